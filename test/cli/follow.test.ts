import { expect, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';
import { LONG_SPEC, SPEC, submitJob, uploadDataset } from '../support/training.ts';
import { until } from '../support/until.ts';
import {
  listen,
  sendJson,
  startCuttingProxy,
  startFlakyProxy,
  startRefusingProxy,
} from './listen.ts';
import { cli } from './run-cli.ts';

const QUICK = { RECONCILE_SECONDS: '0.2', POD_ABSENT_SECONDS: '0.5' };

async function startJob(
  query: Parameters<typeof uploadDataset>[0],
  spec: object = SPEC,
): Promise<string> {
  const uploadId = await uploadDataset(query);
  const { job } = await submitJob(query, {
    name: 'followed',
    spec: { ...spec, dataset: { uploadId } },
  });
  return job?.id ?? '';
}

async function storedSeqs(url: string, id: string): Promise<number[]> {
  const log = await cli(['logs', id, '--json'], { url });
  const [{ lines } = { lines: [] }] = log.documents as { lines: { seq: number }[] }[];
  return lines.map(({ seq }) => seq);
}

const ASKS = /takes no WebSocket \(\d+\)\. Asking instead\./g;

function seqsOf(documents: readonly unknown[]): number[] {
  return (documents as { event: string; line: { seq: number } }[])
    .filter(({ event }) => event === 'line')
    .map(({ line }) => line.seq);
}

test('a follower whose stream is cut again and again gets each line once, in order', async () => {
  const { app, query } = await startTestApp(QUICK);
  const id = await startJob(query);
  let bytes = 1_500;
  let connections = 0;
  // At last as much as a busy machine may have ready at once: one that gets nothing gives up.
  const proxy = await startCuttingProxy(app.url, () =>
    (connections += 1) > 8 ? (bytes *= 2) : bytes,
  );
  const run = await cli(['logs', id, '--follow', '--json'], { url: `${proxy.url}/graphql` });
  expect(run.code, run.err).toBe(0);
  expect(run.err).toMatch(/was cut.*Trying again in/);
  expect(proxy.cuts()).toBeGreaterThan(5);
  expect(seqsOf(run.documents)).toEqual(await storedSeqs(`${app.url}/graphql`, id));
  expect(run.documents.at(-1)).toMatchObject({ event: 'ended', job: { status: 'COMPLETED' } });
});

test('a follower that nothing disturbs has nothing to say of it', async () => {
  const { app, query } = await startTestApp(QUICK);
  const id = await startJob(query);
  const run = await cli(['logs', id, '--follow'], { url: `${app.url}/graphql` });
  expect(run.code, run.err).toBe(0);
  expect(run.err).toBe('');
  expect(run.out).toContain('● COMPLETED');
});

test.each([
  ['a job that is not there', ['logs', 'nosuchjob', '--follow'], 4, /no job nosuchjob/],
  ['a cursor that is none', ['--since', 'nonsense'], 1, /Leave --since out/],
])('%s is a failure and not a cut', async (_name, words, code, message) => {
  const { app, query } = await startTestApp(QUICK);
  const argv = words[0] === 'logs' ? words : ['logs', await startJob(query), '--follow', ...words];
  const run = await cli(argv, { url: `${app.url}/graphql` });
  expect(run.code).toBe(code);
  expect(run.err).toMatch(message);
});

test('where no WebSocket comes through and every third request is cut it asks, and each line comes once', async () => {
  const { app, query } = await startTestApp(QUICK);
  const id = await startJob(query);
  let count = 0;
  const proxy = await startFlakyProxy(app.url, () => (count += 1) % 3 === 0);
  const run = await cli(['logs', id, '--follow', '--json'], { url: `${proxy}/graphql` });
  expect(run.code, run.err).toBe(0);
  expect(run.err).toMatch(/not reachable.*Trying again in/);
  expect(run.err).toContain('takes no WebSocket');
  const seqs = seqsOf(run.documents);
  expect(seqs).toEqual(await storedSeqs(`${app.url}/graphql`, id));
  expect(seqs.length).toBeGreaterThan(20);
});

test('a follower asks, and says so once, whatever a proxy answers WebSockets with for good', async () => {
  const { app, url, query } = await startTestApp(QUICK);
  const id = await startJob(query);
  const runs = await Promise.all(
    [400, 404, 426, 501, 502, 503].map(async (status) => {
      const proxy = await startRefusingProxy(app.url, () => status);
      return cli(['logs', id, '--follow', '--json'], { url: `${proxy}/graphql` });
    }),
  );
  const stored = await storedSeqs(url, id);
  for (const run of runs) {
    expect(run.code, run.err).toBe(0);
    expect(run.err.match(ASKS)).toHaveLength(1);
    expect(seqsOf(run.documents)).toEqual(stored);
    expect(run.documents.at(-1)).toMatchObject({ event: 'ended', job: { status: 'COMPLETED' } });
  }
});

test('a follower that asks tries the stream again, and goes on by it once it is let through', async () => {
  const { app, url, query } = await startTestApp(QUICK);
  const id = await startJob(query, LONG_SPEC);
  const refused = 4;
  let passed = 0;
  const proxy = await startRefusingProxy(app.url, (upgrade) => {
    if (upgrade <= refused) return 503;
    passed += 1;
    return null;
  });
  const following = cli(['logs', id, '--follow', '--json'], { url: `${proxy}/graphql` });
  await until('a stream is let through', () => passed > 0);
  await query('mutation($id: ID!) { cancelTrainingJob(id: $id) { job { id } } }', { id });
  const run = await following;
  expect(run.documents.at(-1)).toMatchObject({ job: { status: 'CANCELLED' } });
  expect(run.err.match(ASKS)).toHaveLength(1);
  expect(run.err.match(/Trying again/g)).toHaveLength(2);
  expect(seqsOf(run.documents)).toEqual(await storedSeqs(url, id));
});

test('Ctrl-C leaves the job running and says how to go on, and that way leads on', async () => {
  const { url, query } = await startTestApp(QUICK);
  const id = await startJob(query);
  const interruption = new AbortController();
  const first = await cli(['logs', id, '--follow', '--url', url], {
    signal: interruption.signal,
    onOut: (text) => {
      if (text.includes('rented 1')) interruption.abort();
    },
  });
  expect(first.code).toBe(130);
  const [, words = ''] = /follow it again: runpod-subgraph (.+)/.exec(first.err) ?? [];
  expect(words).toMatch(new RegExp(`^logs ${id} --follow --since \\S+ --url http`));
  const second = await cli(words.split(' '));
  expect(second.code, second.err).toBe(0);
  expect(second.out).not.toContain('rented 1');
  expect(second.out).toContain('● COMPLETED');
});

test('a follower gives up in the end, with 3 and the way back', async () => {
  const { app, query } = await startTestApp();
  const id = await startJob(query);
  let count = 0;
  const proxy = await startFlakyProxy(app.url, () => (count += 1) > 1);
  const run = await cli(['logs', id, '--follow'], { url: `${proxy}/graphql` });
  expect(run.code).toBe(3);
  expect(run.err).toContain('To follow it again');
  expect(count).toBeGreaterThan(5);
});

test('a submission whose answer is lost is sent again and makes one job', async () => {
  const { app, url } = await startTestApp();
  let isLost = false;
  const proxy = await startFlakyProxy(app.url, (_request, body) => {
    const isFirst = body.includes('submitTrainingJob') && !isLost;
    if (isFirst) {
      isLost = true;
      // It arrives all the same.
      void fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    }
    return isFirst;
  });
  const run = await cli(['submit', 'examples/tiny.json', '--json'], { url: `${proxy}/graphql` });
  expect(run.code, run.err).toBe(0);
  expect((await cli(['list', '--json'], { url })).documents).toMatchObject([{ totalCount: 1 }]);
});

const HOSTILE = '\x1b]0;owned\x07\x1b[2J\u009b1A\u202e';

test('nothing a hostile server says reaches the terminal as it is', async () => {
  const job = {
    id: HOSTILE,
    name: HOSTILE,
    status: HOSTILE,
    statusReason: HOSTILE,
    progress: null,
    cost: { usdSoFar: 0, usdPerHour: null, estimatedUsd: null, billedUsd: null },
    failure: null,
    createdAt: HOSTILE,
    startedAt: null,
    endedAt: null,
  };
  const text = await listen((_request, response) => {
    const pageInfo = { hasNextPage: false, endCursor: null };
    const trainingJobs = { nodes: [job], pageInfo, totalCount: 1 };
    sendJson(response, { data: { trainingJobs }, errors: [{ message: HOSTILE }] });
  });
  const errors = await listen((_request, response) => {
    sendJson(response, { errors: [{ message: HOSTILE, extensions: { code: HOSTILE } }] });
  });
  const page = await listen((_request, response) => {
    response.writeHead(502, { 'content-type': 'text/plain' }).end(HOSTILE);
  });
  for (const url of [text, errors, page]) {
    for (const json of [[], ['--json']]) {
      const run = await cli(['list', ...json], { url, columns: 80, env: { NO_COLOR: '1' } });
      // eslint-disable-next-line no-control-regex -- the point of this test
      expect(run.out + run.err).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
      expect(run.out + run.err).toMatch(/owned/);
    }
  }
});

test('an answer in another shape is told as such, not as a crash', async () => {
  const url = await listen((_request, response) => {
    sendJson(response, { data: { trainingJobs: { nodes: [{ id: 7 }] } } });
  });
  const run = await cli(['list'], { url });
  expect(run.code).toBe(3);
  expect(run.err).toContain('does not understand');
  expect(run.err).toContain('trainingJobs.nodes.0.id');
});
