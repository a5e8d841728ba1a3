import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/store/open-database.ts';
import { numbered } from '../support/follow.ts';
import { makeFolder } from '../support/folder.ts';
import { startRestartable } from '../support/restartable.ts';
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
  const server = await startRestartable();
  const follower = startFollower(server.job.id, server.url());
  for (let restart = 0; restart < 4; restart += 1) {
    for (let part = 0; part < 5; part += 1) await server.write(10);
    await until('some lines', () => follower.lines().length > 50 * restart);
    await server.restart(true);
  }
  await server.end('the end');
  expect(await follower.exit).toBe(0);
  expect(follower.lines()).toEqual([...numbered(1, 200), 'the end']);
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
