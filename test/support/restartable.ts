/** A server's streams over a store that outlives them: a restart loses nothing but connections. */
import { onTestFinished } from 'vitest';
import { openDatabase } from '../../src/store/open-database.ts';
import { endJob, makeJob, writeNumbered } from './follow.ts';
import { makeFolder } from './folder.ts';
import { startStreamServer } from './stream-server.ts';

export async function startRestartable() {
  const dataDir = makeFolder();
  const start = async (port = 0) => {
    const db = await openDatabase({ databaseUrl: undefined, dataDir });
    const server = await startStreamServer(db, { port });
    return {
      db,
      server,
      close: async () => {
        await server.close();
        await db.close();
      },
    };
  };
  let now = await start();
  onTestFinished(() => now.close());
  const job = await makeJob(now.db);
  let written = 0;
  return {
    job,
    url: () => now.server.url,
    /** That many more lines: "line 1", "line 2" … */
    async write(count: number) {
      await writeNumbered(now.db, job, written + 1, count);
      written += count;
      now.server.bus.publish(job.id);
    },
    async end(lastLine: string) {
      await endJob(now.db, job, lastLine);
      now.server.bus.publish(job.id);
    },
    /** At another address, unless it is to be the same. */
    async restart(isSamePlace = false) {
      const { port } = new URL(now.server.url);
      await now.close();
      now = await start(isSamePlace ? Number(port) : 0);
    },
  };
}
