/** Both engines, for suites that must hold on either. */
import { describe, onTestFinished } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import type { DatabaseSettings } from '../../src/store/open-database.ts';
import { makeFolder } from './folder.ts';
import { POSTGRES_MISSING, freshPostgres, hasPostgres } from './postgres.ts';

export interface Engine {
  readonly name: string;
  readonly canRun: boolean;
  /** Of a fresh database, for those who open it themselves or twice. Only inside a test. */
  readonly settings: () => Promise<DatabaseSettings>;
  /** A fresh database with all of its tables; closed when the test ends. Only inside a test. */
  readonly open: () => Promise<Database>;
}

export const eachEngine: readonly Engine[] = [
  createEngine('SQLite', true, () =>
    Promise.resolve({ databaseUrl: undefined, dataDir: makeFolder() }),
  ),
  createEngine(`PostgreSQL${POSTGRES_MISSING}`, hasPostgres, async () => ({
    databaseUrl: await freshPostgres(),
    dataDir: makeFolder(),
  })),
];

/**
 * Runs a suite on each engine:
 *
 *     describeStores('leases', (open) => {
 *       it('a lease is taken once', async () => {
 *         const db = await open();
 *         …
 *       });
 *     });
 *
 * Tests of an engine that cannot run here are skipped, and their name says why.
 */
export function describeStores(
  what: string,
  suite: (open: Engine['open'], engine: Engine) => void,
): void {
  for (const engine of eachEngine) {
    describe.skipIf(!engine.canRun)(`${what} on ${engine.name}`, () => {
      suite(engine.open, engine);
    });
  }
}

function createEngine(
  name: string,
  canRun: boolean,
  settings: () => Promise<DatabaseSettings>,
): Engine {
  return {
    name,
    canRun,
    settings,
    async open() {
      const db = await openDatabase(await settings());
      onTestFinished(() => db.close());
      return db;
    },
  };
}
