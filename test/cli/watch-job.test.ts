/** A server that cuts its streams, and how it is left alone between them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { createApi } from '../../src/cli/api.ts';
import { createOutput } from '../../src/cli/output.ts';
import { watchJob } from '../../src/cli/watch-job.ts';
import { sendJson } from './listen.ts';
import { createSink } from './run-cli.ts';

const JOB = {
  id: 'job',
  name: 'job',
  status: 'RUNNING',
  statusReason: null,
  progress: null,
  cost: { usdSoFar: 0, usdPerHour: null, estimatedUsd: null, billedUsd: null },
  failure: null,
  createdAt: '2026-01-01T00:00:00Z',
  startedAt: null,
  endedAt: null,
};

interface Message {
  readonly type: string;
  readonly id: string;
  readonly payload?: { readonly query: string };
}

/** Its n-th stream is left to `serve`, once the client has asked for the log. */
async function startStreams(serve: (send: (event: object) => void, cut: () => void) => void) {
  const server = createServer((_request, response) => {
    sendJson(response, { data: { trainingJob: JOB } });
  });
  const sockets = new WebSocketServer({
    server,
    handleProtocols: () => 'graphql-transport-ws',
  });
  sockets.on('connection', (socket: WebSocket) => {
    socket.on('message', (data: Buffer) => {
      const { type, id, payload } = JSON.parse(data.toString()) as Message;
      if (type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (payload?.query.includes('trainingJobLogs') !== true) return;
      const send = (event: object) => {
        const next = { type: 'next', id, payload: { data: { trainingJobLogs: event } } };
        socket.send(JSON.stringify(next));
      };
      serve(send, () => {
        socket.close(1012);
      });
    });
  });
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

const batch = (seq: number) => ({
  __typename: 'LogBatch',
  lines: [{ seq, at: '', source: 'STDOUT', attempt: 1, text: '', cursor: `c${seq}` }],
  endCursor: `c${seq}`,
});
const END = { __typename: 'StreamEnd', reason: 'JOB_ENDED', retry: false };

/** @returns the numbers of the lines that were seen, and the waits between streams */
async function watch(url: string, settledMs: number) {
  const { signal } = new AbortController();
  const waits: number[] = [];
  const session = {
    api: createApi({ url, signal, onWarning: () => undefined }),
    output: createOutput({
      stdout: createSink(undefined),
      stderr: createSink(undefined),
      env: {},
      isJson: true,
    }),
    signal,
    retry: {
      signal,
      limit: 3,
      firstMs: 1,
      onRetry: (_failure: unknown, waitMs: number) => {
        waits.push(waitMs);
        return Promise.resolve();
      },
    },
    pollMs: 1,
    settledMs,
    commandLine: () => '',
  };
  const seqs: number[] = [];
  let failure: unknown;
  try {
    for await (const { lines } of watchJob(session, { id: 'job', after: null })) {
      seqs.push(...lines.map(({ seq }) => seq));
    }
  } catch (error) {
    failure = error;
  }
  return { seqs, waits, failure };
}

/** Six streams of one line each; the seventh ends. */
function startStutter() {
  let streams = 0;
  return startStreams((send, cut) => {
    streams += 1;
    send(streams <= 6 ? batch(streams) : END);
    if (streams <= 6) cut();
  });
}

test('a server that sends one event and cuts is asked less and less often, and not given up', async () => {
  const { seqs, waits, failure } = await watch(await startStutter(), Infinity);
  expect(failure).toBeUndefined();
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6]);
  expect(waits).toEqual([1, 2, 4, 8, 16, 20]);
});

test('after a stream that stood for a while the waits begin anew', async () => {
  const { seqs, waits } = await watch(await startStutter(), 0);
  expect(seqs).toEqual([1, 2, 3, 4, 5, 6]);
  expect(waits).toEqual([1, 1, 1, 1, 1, 1]);
});

test('a server whose streams bring nothing is given up', async () => {
  const url = await startStreams((_send, cut) => {
    cut();
  });
  const { waits, failure } = await watch(url, 0);
  expect(failure).toMatchObject({ kind: 'unreachable', isPassing: true });
  expect(waits).toEqual([1, 2, 4]);
});
