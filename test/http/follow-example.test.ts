import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/store/open-database.ts';
import { endJob, makeJob, numbered, writeNumbered } from '../support/follow.ts';
import { makeFolder } from '../support/folder.ts';
import { startStreamServer } from '../support/stream-server.ts';
import { until } from '../support/until.ts';

function startFollower(jobId: string, url: string) {
  const program = fileURLToPath(new URL('../../examples/follow.ts', import.meta.url));
  const child = spawn(process.execPath, [program, jobId, `${url}/graphql`], { stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => code as number);
  return { lines: () => printed.split('\n').slice(0, -1), exit };
}

test('the example follows a job through restarts of the server, and ends as the job does', async () => {
  const dataDir = makeFolder();
  const open = async (port = 0) => {
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
  let now = await open();
  onTestFinished(() => now.close());
  const { port } = new URL(now.server.url);
  const job = await makeJob(now.db);
  const follower = startFollower(job.id, now.server.url);
  let line = 1;
  for (let restart = 0; restart < 4; restart += 1) {
    for (const end = line + 50; line < end; line += 10) {
      await writeNumbered(now.db, job, line, 10);
      now.server.bus.publish(job.id);
    }
    await until('some lines', () => follower.lines().length > 50 * restart);
    await now.close();
    now = await open(Number(port));
  }
  await endJob(now.db, job, 'the end');
  now.server.bus.publish(job.id);
  expect(await follower.exit).toBe(0);
  expect(follower.lines()).toEqual([...numbered(1, line - 1), 'the end']);
});

test('the example says what is wrong with an unknown job', async () => {
  const db = await openDatabase({ databaseUrl: undefined, dataDir: makeFolder() });
  const server = await startStreamServer(db);
  onTestFinished(async () => {
    await server.close();
    await db.close();
  });
  expect(await startFollower('none', server.url).exit).toBe(3);
});
