import { connect } from 'node:net';
import { createClient } from 'graphql-ws';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApp } from '../support/start-app.ts';
import { until } from '../support/until.ts';

const PROTOCOL = 'graphql-transport-ws';

function wsUrl(url: string, path = '/graphql'): string {
  return new URL(path, url).href.replace('http', 'ws');
}

function clientOf(url: string) {
  const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
  onTestFinished(() => client.dispose());
  return client;
}

async function first(url: string, query: string, variables: Record<string, unknown> = {}) {
  for await (const result of clientOf(url).iterate({ query, variables })) return result;
  return undefined;
}

/** The close code, or what the refused upgrade was answered. */
function outcome(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode ?? 0);
    });
    socket.on('close', resolve);
  });
}

test.each(['/graphql', '/ws'])(
  'a client on %s gets the same answers as over HTTP',
  async (path) => {
    const { url, query } = await startTestApp();
    const text = '{ gpuResources(filter: { minMemoryGb: 100 }) { id pricing { stock } } }';
    const overHttp = await query(text);
    expect(await first(wsUrl(url, path), text)).toEqual({ data: overHttp.data });
  },
);

test('limits and masked errors are those of HTTP', async () => {
  const { url, emulator } = await startTestApp();
  const deep = `{ gpuResource(id: "x") { pricing ${'{ gpuResource { pricing '.repeat(8)}{ stock }${' } }'.repeat(8)} } }`;
  await expect(first(wsUrl(url), deep)).rejects.toMatchObject([
    { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  ]);
  await expect(first(wsUrl(url), '{')).rejects.toMatchObject([
    { extensions: { code: 'GRAPHQL_PARSE_FAILED' } },
  ]);
  const wrong = 'query($n: Int!) { gpuResource(id: "x") { pricing(gpuCount: $n) { stock } } }';
  expect(await first(wsUrl(url), wrong, { n: 'two' })).toMatchObject({
    errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
  });
  await emulator.addFault({ kind: 'unauthorized' });
  expect(await first(wsUrl(url), '{ gpuResources { id } }')).toMatchObject({
    data: null,
    errors: [{ path: ['gpuResources'], extensions: { code: 'PLATFORM_UNAUTHORIZED' } }],
  });
});

test('a page of another origin cannot open a socket; one of this server can', async () => {
  const { url } = await startTestApp();
  const evil = new WebSocket(wsUrl(url), PROTOCOL, { origin: 'https://evil.example' });
  expect(await outcome(evil)).toBe(403);
  const rebound = new WebSocket(wsUrl(url), PROTOCOL, { headers: { host: 'evil.example' } });
  expect(await outcome(rebound)).toBe(421);
  const own = new WebSocket(wsUrl(url), PROTOCOL, { origin: new URL(url).origin });
  await new Promise((resolve) => own.on('open', resolve));
  own.close(1000);
  expect(await outcome(own)).toBe(1000);
});

test('a frame over the limit ends its own connection', async () => {
  const { url } = await startTestApp({ MAX_BODY_BYTES: '1024' });
  const socket = new WebSocket(wsUrl(url), PROTOCOL);
  socket.on('open', () => {
    socket.send('x'.repeat(2_000));
  });
  expect(await outcome(socket)).toBe(1009);
});

test('connections over the cap are refused', async () => {
  const { url } = await startTestApp({ MAX_WS_CONNECTIONS: '1' });
  const one = new WebSocket(wsUrl(url), PROTOCOL);
  await new Promise((resolve) => one.on('open', resolve));
  expect(await outcome(new WebSocket(wsUrl(url), PROTOCOL))).toBe(503);
  one.close();
});

test('a shutdown closes sockets with 1001 and finishes requests in flight', async () => {
  const { app, url, emulator, query } = await startTestApp();
  const socket = new WebSocket(wsUrl(url), PROTOCOL);
  await new Promise((resolve) => socket.on('open', resolve));
  await emulator.addFault({ kind: 'delay', ms: 300, route: 'GET /v2/catalog/gpus' });
  const inFlight = query('{ gpuResources { id } }');
  await until(
    'the catalogue is asked',
    async () => (await emulator.requests()).rest['GET /v2/catalog/gpus'],
  );
  const closed = app.close();
  expect(await outcome(socket)).toBe(1001);
  expect((await inFlight).errors).toBeUndefined();
  await closed;
  await expect(fetch(`${app.url}/livez`)).rejects.toThrow();
});

test('a client that never answers a close is cut when the grace is over', async () => {
  const { app, url } = await startTestApp({ SHUTDOWN_GRACE_SECONDS: '0.2' });
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  onTestFinished(() => void socket.destroy());
  socket.write(
    `GET /graphql HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nSec-WebSocket-Protocol: ${PROTOCOL}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  const gone = new Promise((resolve) => socket.once('close', resolve));
  await app.close();
  await gone;
});

test('production hides the schema here as well, and brackets without end close nothing', async () => {
  const { url } = await startTestApp({ NODE_ENV: 'production' });
  await expect(first(wsUrl(url), '{ __schema { queryType { name } } }')).rejects.toMatchObject({
    0: { message: expect.stringContaining('introspection') as string },
  });
  const misspelt = await first(wsUrl(url), '{ gpuResourcez { id } }').catch(
    (errors: unknown) => errors,
  );
  expect(JSON.stringify(misspelt)).toContain('GRAPHQL_VALIDATION_FAILED');
  expect(JSON.stringify(misspelt)).not.toContain('Did you mean');
  await expect(first(wsUrl(url), `{ gpuResource(id: ${'['.repeat(3_990)}`)).rejects.toMatchObject([
    { extensions: { code: 'GRAPHQL_PARSE_FAILED' } },
  ]);
});

test('a query that is being answered on a socket gets its answer before the socket closes', async () => {
  const { app, url, emulator } = await startTestApp();
  await emulator.addFault({ kind: 'delay', ms: 300, route: 'GET /v2/catalog/gpus' });
  const answer = first(wsUrl(url), '{ gpuResources { id } }');
  await until(
    'the catalogue is asked',
    async () => (await emulator.requests()).rest['GET /v2/catalog/gpus'],
  );
  const closed = app.close();
  expect(await answer).not.toHaveProperty('errors');
  await closed;
});
