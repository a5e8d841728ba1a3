import { request } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';

const PING = JSON.stringify({ query: '{ __typename }' });
const JSON_TYPE = { 'content-type': 'application/json' };

/** fetch() may not set Host: a rebound name needs plain HTTP. */
function post(url: string, headers: Record<string, string>, body = PING) {
  return new Promise<{ status: number; text: string; headers: Record<string, unknown> }>(
    (resolve, reject) => {
      const sent = request(
        url,
        { method: 'POST', headers: { ...JSON_TYPE, ...headers } },
        (got) => {
          let text = '';
          got.on('data', (chunk: Buffer) => (text += chunk.toString()));
          got.on('end', () => {
            resolve({ status: got.statusCode ?? 0, text, headers: got.headers });
          });
        },
      );
      sent.on('error', reject);
      sent.end(body);
    },
  );
}

test('a page that rebinds its own name to this machine is refused', async () => {
  const { url } = await startTestApp();
  const refused = await post(url, { host: 'evil.example:4000' });
  expect(refused.status).toBe(421);
  expect(refused.text).toContain('ALLOWED_HOSTS');
  expect((await post(url, { host: 'localhost:4000' })).status).toBe(200);
});

test('a page of another origin is refused, preflight included; an allowed one gets its CORS headers', async () => {
  const { url } = await startTestApp({ ALLOWED_ORIGINS: 'https://console.example' });
  const refused = await post(url, { origin: 'https://evil.example' });
  expect(refused.status).toBe(403);
  expect(refused.headers['access-control-allow-origin']).toBeUndefined();
  const preflight = (origin: string) => fetch(url, { method: 'OPTIONS', headers: { origin } });
  expect((await preflight('https://evil.example')).status).toBe(403);
  expect((await preflight('null')).status).toBe(403);
  const allowed = await preflight('https://console.example');
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://console.example');
  expect((await post(url, { origin: 'https://console.example' })).status).toBe(200);
});

test('a request that a page could send without asking is refused', async () => {
  const { url } = await startTestApp();
  const simple = await fetch(url, {
    method: 'POST',
    body: PING,
    headers: { 'content-type': 'text/plain' },
  });
  expect(simple.status).toBe(400);
  const get = await fetch(`${url}?query=${encodeURIComponent('{ __typename }')}`);
  expect(get.status).toBe(400);
  expect(await get.text()).toContain('CSRF');
  const named = await fetch(`${url}?query=${encodeURIComponent('{ __typename }')}`, {
    headers: { 'apollo-require-preflight': '1' },
  });
  expect(named.status).toBe(200);
});

test.each([
  ['malformed JSON', '{"query": ', 400, 'not valid JSON'],
  ['no query', '{}', 400, 'no keys'],
  ['a query that is a number', '{"query": 1}', 400, 'strings'],
  ['an unknown field', '{"query": "{ nothing }"}', 400, 'nothing'],
  ['a syntax error', '{"query": "{"}', 400, 'Syntax Error'],
  [
    'a wrong variable',
    '{"query": "query($n: Int!) { gpuResource(id: \\"x\\") { pricing(gpuCount: $n) { stock } } }", "variables": {"n": "two"}}',
    400,
    'Int cannot represent',
  ],
  [
    'a subscription',
    '{"query": "subscription { trainingJobChanged(jobId: \\"x\\") { id } }"}',
    400,
    'graphql-transport-ws), or as here with Accept: text/event-stream',
  ],
])('%s gets a clear error', async (_name, body, status, text) => {
  const { url } = await startTestApp();
  const answer = await post(url, {}, body);
  expect(answer.text).toContain(text);
  expect(answer.status).toBe(status);
  expect(answer.text).not.toMatch(/node_modules|at .*\.ts|stacktrace/);
});

test('a body over the limit is refused before it is read to its end', async () => {
  const { url } = await startTestApp({ MAX_BODY_BYTES: '2048' });
  const answer = await post(url, {}, JSON.stringify({ query: `# ${'x'.repeat(4_000)}` }));
  expect(answer.status).toBe(413);
  expect(answer.text).toContain('2048 bytes');
});

test('operations that are too deep, too wide or too long are refused', async () => {
  const { query } = await startTestApp();
  const deep = `{ gpuResource(id: "x") { pricing ${'{ gpuResource { pricing '.repeat(8)}{ stock }${' } }'.repeat(9)}`;
  expect((await query(deep)).errors?.[0]?.message).toMatch(/nests \d+ fields deep/);
  const level = (n: number) =>
    `fragment F${n} on GpuResource { ${Array.from({ length: 12 }, (_, i) => `a${i}: pricing { gpuResource { ...F${n + 1} } }`).join(' ')} }`;
  const bomb = `{ gpuResources { ...F0 } } ${[0, 1, 2, 3].map(level).join(' ')} fragment F4 on GpuResource { id }`;
  expect((await query(bomb)).errors?.[0]?.message).toMatch(/asks for \d+ fields/);
  expect((await query(`{ ${'__typename '.repeat(5_000)} }`)).errors?.[0]?.message).toContain(
    'tokens',
  );
});

test('probes and metrics tell the state of the server', async () => {
  const { app, query } = await startTestApp();
  await query('{ gpuResources { id } }');
  expect((await fetch(`${app.url}/livez`)).status).toBe(200);
  expect((await fetch(`${app.url}/readyz`)).status).toBe(200);
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  expect(metrics).toContain('http_requests_total{route="/graphql",status="200"} 1');
  expect(metrics).toContain(
    'upstream_request_duration_seconds_count{route="GET /v2/catalog/gpus",status="200"} 1',
  );
});

test('a browser gets an IDE that needs nothing from elsewhere, and none in production', async () => {
  const html = { headers: { accept: 'text/html' } };
  const page = await (await fetch((await startTestApp()).url, html)).text();
  expect(page).toContain('GraphiQL');
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  const production = await startTestApp({ NODE_ENV: 'production' });
  expect(await (await fetch(production.url, html)).text()).not.toContain('GraphiQL');
  const hidden = await production.query('{ __schema { queryType { name } } }');
  expect(hidden.errors?.[0]?.message).toContain('introspection');
  expect((await production.query('{ _service { sdl } }')).errors).toBeUndefined();
});

test("every answer carries a request id, the caller's own where it is one", async () => {
  const { url } = await startTestApp();
  expect((await post(url, { 'x-request-id': 'abc-1' })).headers['x-request-id']).toBe('abc-1');
  const made = (await post(url, { 'x-request-id': 'a b\tc' })).headers['x-request-id'];
  expect(made).toMatch(/^[0-9a-f-]{36}$/);
});

test('an operation is answered as an event stream where nothing else is accepted', async () => {
  const { url } = await startTestApp({ ALLOWED_ORIGINS: 'https://console.example' });
  const events = await post(url, {
    accept: 'text/event-stream',
    origin: 'https://console.example',
  });
  expect(events.text).toBe(
    ':\n\nevent: next\ndata: {"data":{"__typename":"Query"}}\n\nevent: complete\ndata:\n\n',
  );
  expect(events.headers['access-control-allow-origin']).toBe('https://console.example');
  expect(events.headers['x-request-id']).toBeDefined();
  const json = await post(url, { accept: 'text/event-stream, application/json' });
  expect(json.text.trim()).toBe('{"data":{"__typename":"Query"}}');
  const faulty = await post(url, { accept: 'text/event-stream' }, '{"query": 1}');
  expect([faulty.status, JSON.parse(faulty.text)]).toMatchObject([
    400,
    { errors: [{ extensions: { code: 'BAD_REQUEST' } }] },
  ]);
});

test('nobody has this server call back, unless it was set up for that', async () => {
  const { url } = await startTestApp();
  const extensions = {
    subscription: { callbackUrl: `${url}/x`, subscriptionId: 'x', verifier: '' },
  };
  const answer = await post(url, {}, JSON.stringify({ query: '{ __typename }', extensions }));
  expect(answer.status).toBe(400);
  expect(answer.text).toContain('CALLBACK_URLS');
});

test('a client that sends rubbish or leaves half-way harms nobody', async () => {
  const { app, url } = await startTestApp();
  const port = Number(new URL(url).port);
  for (const bytes of [
    '\x16\x03\x01\x00rubbish\r\n\r\n',
    'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{',
  ]) {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(bytes, () => {
          socket.destroy();
          resolve();
        });
      });
    });
  }
  expect((await fetch(`${app.url}/livez`)).status).toBe(200);
});

test('a few lines cannot ask for millions of fields of many entities', async () => {
  const { query } = await startTestApp();
  const names = Array.from({ length: 200 }, (_, index) => `n${index}: name`).join(' ');
  const text = `query($r: [_Any!]!) { _entities(representations: $r) { ... on GpuResource { ${names} } } }`;
  const ask = (count: number, what = text) =>
    query(what, { r: Array(count).fill({ __typename: 'GpuResource', id: 'NVIDIA L40S' }) });
  expect((await ask(1_000)).errors).toMatchObject([{ extensions: { code: 'LIMIT_EXCEEDED' } }]);
  expect((await ask(100)).errors).toBeUndefined();
  const narrow = text.replace(names, 'name');
  expect((await ask(2_001, narrow)).errors?.[0]?.message).toContain('2001 representations');
  expect((await ask(1_000, narrow)).errors).toBeUndefined();
});

test('a text that is too long for a query is refused, and deep variables harm nobody', async () => {
  const { url, query } = await startTestApp();
  const long = await post(
    url,
    {},
    JSON.stringify({ query: `{ __typename } # ${'x'.repeat(100_000)}` }),
  );
  expect(long.status).toBe(400);
  expect(long.text).toContain('100000 characters');
  const body = `{"query":"{ gpuResources { id } }","variables":{"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
  expect((await post(url, {}, body)).status).toBe(200);
  expect((await query('{ gpuResources { id } }')).errors).toBeUndefined();
});

test.each(['/nope', '/graphql'])(
  'an upgrade of %s that is refused does not hold the shutdown up',
  async (path) => {
    const { app, url } = await startTestApp({ SHUTDOWN_GRACE_SECONDS: '60' });
    const { hostname, port } = new URL(url);
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    const host = path === '/nope' ? `${hostname}:${port}` : 'evil.example';
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    await app.close();
    socket.destroy();
  },
);

test('a query that came before is answered as the first time, whatever the client accepts', async () => {
  const { url } = await startTestApp({ RESULT_REUSE: 'false' });
  const ask = async (accept: string, query: string, operationName: string | null) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { ...JSON_TYPE, accept },
      body: JSON.stringify({ query, operationName }),
    });
    const { status, headers } = response;
    return [
      status,
      headers.get('content-type'),
      // It counts down.
      headers.get('cache-control')?.replace(/=\d+/, ''),
      await response.text(),
    ];
  };
  const queries = [
    ['{ gpuResource(id: "NVIDIA L40S") { name } }', null],
    ['{ gpuResource(id: "NVIDIA L40S") { pricing(gpuCount: 0) { stock } } }', null],
    ['query A { __typename } query B { b: __typename }', 'B'],
    ['query A { __typename } query B { b: __typename }', null],
  ] as const;
  const accepts = [
    'application/json',
    'application/graphql-response+json, application/json;q=0.9',
    '*/*',
    'text/plain',
  ];
  for (const [query, name] of queries) {
    for (const accept of accepts) {
      const first = await ask(accept, query, name);
      for (let again = 0; again < 3; again += 1)
        expect(await ask(accept, query, name)).toEqual(first);
    }
  }
});
