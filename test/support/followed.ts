/** One job, its server, and a hand that writes its log. */
import { onTestFinished } from 'vitest';
import type { Database } from '../../src/store/database.ts';
import { openDatabase } from '../../src/store/open-database.ts';
import { endJob, makeJob, writeNumbered } from './follow.ts';
import { makeFolder } from './folder.ts';
import { startStreamServer } from './stream-server.ts';
import type { StreamServerSettings } from './stream-server.ts';

/** Of each: number, job, after, up to. Some only fill up. */
function spansIn(parameters: readonly unknown[] = []): number {
  return parameters.filter((value, index) => index % 4 === 1 && value !== '').length;
}

export async function startFollowed(settings?: StreamServerSettings) {
  let reads = 0;
  const db = await openDatabase({ databaseUrl: undefined, dataDir: makeFolder() });
  onTestFinished(() => db.close());
  const counting: Database = {
    ...db,
    query: (sql, parameters) => {
      if (sql.includes('from log_chunks')) reads += 1;
      // Several in one statement: so many values say what each wants.
      if (sql.includes('join log_chunks')) reads += spansIn(parameters);
      return db.query(sql, parameters);
    },
  };
  const server = await startStreamServer(counting, settings);
  onTestFinished(() => server.close());
  const job = await makeJob(db);
  const left: string[] = [];
  const subscribe = server.bus.subscribe.bind(server.bus);
  server.bus.subscribe = (id, wake) => {
    const leave = subscribe(id, wake);
    return () => {
      left.push(id);
      leave();
    };
  };
  return {
    db,
    job,
    ...server,
    /** Jobs that a reader follows no more, each time. */
    left: left as readonly string[],
    /** How often log lines were read from the store, whether alone or with others. */
    reads: () => reads,
    write: async (from: number, count: number) => {
      await writeNumbered(db, job, from, count);
      server.bus.publish(job.id);
    },
    end: async (lastLine?: string) => {
      await endJob(db, job, lastLine);
      server.bus.publish(job.id);
    },
  };
}
