/**
 * One PostgreSQL per test run, for all workers; started by the first test file that asks for it, so
 * that a run without one does not pay for it. Vitest's `globalSetup`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres-server.ts';
import type { PostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers a {@link PostgresAnswer} as JSON. */
    readonly postgresDesk: string;
  }
}

export type PostgresAnswer = { readonly url: string } | { readonly missing: string };

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let started: Promise<PostgresServer> | undefined;
  const desk = createServer((_request, response) => {
    started ??= startPostgres('fast');
    void answer(started).then((body) => response.end(JSON.stringify(body)));
  }).listen(0, '127.0.0.1');
  await once(desk, 'listening');
  project.provide('postgresDesk', `http://127.0.0.1:${(desk.address() as AddressInfo).port}`);
  return async () => {
    desk.close();
    desk.closeAllConnections();
    await started?.then(
      (server) => server.remove(),
      () => undefined,
    );
  };
}

function answer(started: Promise<PostgresServer>): Promise<PostgresAnswer> {
  return started.then(
    ({ url }) => ({ url }),
    (error: unknown) => ({ missing: error instanceof Error ? error.message : String(error) }),
  );
}
