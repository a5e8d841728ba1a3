import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { addFault, createPod, firedOf } from './client.ts';
import type { Call } from './client.ts';
import { linesOf, openLog } from './log-reader.ts';
import { runPod, startPodWorld } from './pod-client.ts';
import type { PodWorld } from './pod-client.ts';

/** Echoes requests, serves a thousand bytes by range, streams events while it is told to. */
const SERVER = `
const { createServer } = require('node:http');
const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));
createServer((request, response) => {
  const { method, url, headers } = request;
  if (url === '/bytes') {
    const [, from, to] = /bytes=(\\d+)-(\\d+)/.exec(headers.range ?? 'bytes=0-999');
    const part = bytes.subarray(Number(from), Number(to) + 1);
    response.writeHead(headers.range ? 206 : 200, { 'content-length': part.length, 'content-range': 'bytes ' + from + '-' + to + '/1000' });
    response.end(method === 'HEAD' ? undefined : part);
  } else if (url === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\\n\\n');
    request.on('close', () => undefined);
    response.on('close', () => console.log('reader left'));
  } else if (url === '/through') {
    response.writeHead(200);
    request.on('data', (chunk) => response.write(chunk));
    request.on('end', () => response.end());
  } else if (url === '/early') {
    response.writeHead(413, { connection: 'close' });
    response.end('too much');
  } else if (url === '/never') {
    console.log('waits');
  } else if (url === '/half') {
    response.writeHead(200, { 'content-length': 100 });
    response.write('half', () => response.destroy());
  } else {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      response.writeHead(url.startsWith('/teapot') ? 418 : 200, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
      response.end(JSON.stringify({ method, url, headers, body }));
    });
  }
}).listen(Number(process.env.AGENT_PORT), process.env.AGENT_HOST, () => console.log('listening'));
`;

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A pod that serves at its port 8000, and what is in front of it. */
async function startServer(options: Parameters<typeof startPodWorld>[0] = {}) {
  const world = await startPodWorld(options);
  const { id } = await runPod(world.call, [process.execPath, '-e', SERVER], {
    ports: ['8000/http'],
  });
  const base = proxyOf(world, id);
  await until('the pod serves', async () => (await fetch(`${base}/up`)).status === 200);
  return { ...world, id, base };
}

function proxyOf({ emulator }: PodWorld, podId: string, port = 8_000): string {
  return `${emulator.url}/__proxy/${podId}/${port}`;
}

async function countOf(call: Call): Promise<unknown> {
  return (await call('GET', '/__emulator/requests')).body;
}

describe("a client of a pod's HTTP port", () => {
  it('sends any method, path, query, header and body, and gets what the pod answers', async () => {
    const { base } = await startServer();
    const headers = { authorization: 'Bearer TOKEN', 'x-own': 'yes' };
    const response = await fetch(`${base}/teapot/a%2Fb?c=d%20e&c=`, {
      method: 'PATCH',
      headers,
      body: 'Grüße',
    });
    expect(response.status).toBe(418);
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    const echo = (await response.json()) as Echo;
    expect(echo).toMatchObject({
      method: 'PATCH',
      url: '/teapot/a%2Fb?c=d%20e&c=',
      body: 'Grüße',
      headers,
    });
    for (const [end, url] of [
      ['', '/'],
      ['?x=1', '/?x=1'],
      ['/', '/'],
    ]) {
      expect(await (await fetch(base + (end ?? ''))).json()).toMatchObject({ url });
    }
  });

  it('reads ranges, and heads without bodies', async () => {
    const { base } = await startServer();
    const part = await fetch(`${base}/bytes`, { headers: { range: 'bytes=10-19' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 10-19/1000']);
    expect([...new Uint8Array(await part.arrayBuffer())]).toEqual([
      10, 11, 12, 13, 14, 15, 16, 17, 18, 19,
    ]);
    const head = await fetch(`${base}/bytes`, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['1000', '']);
  });

  it('gets events as they come, and its leaving is known to the pod', async () => {
    const { base, emulator, id } = await startServer();
    const leaving = new AbortController();
    const response = await fetch(`${base}/events`, { signal: leaving.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const { value } = (await response.body?.getReader().read()) ?? {};
    expect(new TextDecoder().decode(value)).toBe('data: first\n\n');
    leaving.abort();
    const log = await openLog(emulator, id, { query: '?source=container' });
    expect(linesOf(await log.take(2))).toEqual(['listening', 'reader left']);
  });

  it('has its body passed on while it still sends it', async () => {
    const { base } = await startServer();
    const body = new TransformStream<Uint8Array, Uint8Array>();
    const writer = body.writable.getWriter();
    void writer.write(new TextEncoder().encode('one'));
    const response = await fetch(`${base}/through`, {
      method: 'POST',
      body: body.readable,
      duplex: 'half',
    } as RequestInit);
    const reader = response.body?.getReader();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('one');
    await writer.write(new TextEncoder().encode('two'));
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('two');
    await writer.close();
    expect((await reader?.read())?.done).toBe(true);
  });

  it('gets a large body whole', async () => {
    const { base } = await startServer();
    const body = Buffer.alloc(32 * 1024 * 1024, 'x');
    const response = await fetch(`${base}/through`, { method: 'PUT', body });
    expect((await response.arrayBuffer()).byteLength).toBe(body.byteLength);
  });

  it('gets an answer that comes before its body is read', async () => {
    const { base } = await startServer();
    const response = await fetch(`${base}/early`, { method: 'PUT', body: 'x'.repeat(1_000) });
    expect([response.status, await response.text()]).toEqual([413, 'too much']);
  });

  it('loses the connection where the pod cuts its answer', async () => {
    const { base } = await startServer();
    const response = await fetch(`${base}/half`);
    await expect(response.text()).rejects.toThrow();
  });
});

describe('the proxy', () => {
  it('answers 404 where there is no such pod or port, 502 where nothing listens', async () => {
    const world = await startPodWorld({ provisioningMs: 60_000 });
    const booting = await runPod(world.call, ['sleep', '60'], { ports: ['8000/http', '22/tcp'] });
    const plain = await createPod(world.call, { ports: ['8000/http'] });
    const status = async (podId: string, port?: number) =>
      (await fetch(proxyOf(world, podId, port))).status;
    expect(await status('unknown')).toBe(404);
    expect(await status(booting.id, 8_001)).toBe(404);
    expect(await status(booting.id, 22)).toBe(404);
    expect(await status(booting.id)).toBe(502);
    expect(await status(plain.id)).toBe(502);
    await world.call('DELETE', `/v2/pods/${booting.id}`);
    expect(await status(booting.id)).toBe(404);
  });

  it('answers 502 while the command of a pod does not listen', async () => {
    const world = await startPodWorld();
    const { id } = await runPod(world.call, ['sleep', '60'], { ports: ['8000/http'] });
    const response = await fetch(proxyOf(world, id), { method: 'PUT', body: 'x'.repeat(100_000) });
    expect(response.status).toBe(502);
  });

  it('gives a pod that does not answer its time, and then 524', async () => {
    const { base } = await startServer({ proxyMaxMs: 800 });
    expect((await fetch(`${base}/never`)).status).toBe(524);
  });

  it('cuts an answer that goes on for longer', async () => {
    const { base } = await startServer({ proxyMaxMs: 800 });
    const response = await fetch(`${base}/events`);
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow();
  });

  it('keeps pods apart that serve at the same port', async () => {
    const world = await startPodWorld();
    const serve = (name: string) =>
      runPod(
        world.call,
        [
          process.execPath,
          '-e',
          `require('node:http').createServer((_, r) => r.end('${name}')).listen(process.env.EMULATOR_PORT_9000, '127.0.0.1')`,
        ],
        { ports: ['9000/http'] },
      );
    const pods = await Promise.all(['one', 'two'].map(serve));
    const answers = pods.map(({ id }) =>
      until('it serves', async () => {
        const response = await fetch(proxyOf(world, id, 9_000));
        return response.status === 200 && response.text();
      }),
    );
    expect(await Promise.all(answers)).toEqual(['one', 'two']);
  });

  it('is counted apart from the API, and answers paths that are none of a pod as the API', async () => {
    const { call, emulator } = await startPodWorld();
    await fetch(`${emulator.url}/__proxy/a/8000/x`);
    await fetch(`${emulator.url}/__proxy/a/8000/y`);
    expect(await countOf(call)).toEqual({ rest: {}, graphql: 0, proxy: 2 });
    for (const path of ['/__proxy/a/port/x', '/__proxy/', '/__proxy/a']) {
      expect((await call('GET', path)).status).toBe(404);
    }
  });

  it('adds no header of its own to an answer', async () => {
    const { base } = await startServer();
    const response = await fetch(`${base}/bytes`);
    await response.arrayBuffer();
    expect([...response.headers.keys()].sort()).toEqual([
      'connection',
      'content-length',
      'content-range',
      'date',
      'keep-alive',
    ]);
  });

  it('survives a client that breaks off in the middle of its request', async () => {
    const { base, emulator } = await startServer();
    const { hostname, port } = new URL(emulator.url);
    const socket = connect(Number(port), hostname);
    const path = new URL(`${base}/through`).pathname;
    socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    expect((await fetch(`${base}/up`)).status).toBe(200);
  });
});

describe('a client of the proxy under a fault', () => {
  it('meets those that name the proxy, and no others', async () => {
    const { base, call } = await startServer();
    await addFault(call, { kind: 'status', status: 500 });
    expect((await fetch(`${base}/up`)).status).toBe(200);
    await addFault(call, { kind: 'status', status: 503, route: 'proxy', times: 1 });
    expect((await fetch(`${base}/up`)).status).toBe(503);
    expect((await fetch(`${base}/up`)).status).toBe(200);
    await addFault(call, { kind: 'reset', route: 'proxy', times: 1 });
    await expect(fetch(`${base}/up`)).rejects.toThrow();
  });

  it('fail-after-effect: is told of a failure after the pod has answered', async () => {
    const { base, call, emulator, id } = await startServer();
    await addFault(call, { kind: 'fail-after-effect', status: 504, route: 'proxy', times: 1 });
    expect((await fetch(`${base}/bytes`)).status).toBe(504);
    expect((await fetch(`${proxyOf({ emulator, call }, id)}/bytes`)).status).toBe(200);
  });

  it('proxy-cut: gets so many bytes, as often as it says, and short answers as ever', async () => {
    const { base, call } = await startServer();
    const fault = await addFault(call, { kind: 'proxy-cut', afterBytes: 600, times: 2 });
    expect((await fetch(`${base}/bytes`, { headers: { range: 'bytes=0-9' } })).status).toBe(206);
    for (let cuts = 1; cuts <= 2; cuts += 1) {
      const response = await fetch(`${base}/bytes`);
      let got = 0;
      const reading = (async () => {
        for await (const chunk of response.body ?? []) got += (chunk as Uint8Array).byteLength;
      })();
      await expect(reading).rejects.toThrow();
      expect(got).toBe(600);
      expect(await firedOf(call, fault)).toBe(cuts);
    }
    expect((await (await fetch(`${base}/bytes`)).arrayBuffer()).byteLength).toBe(1_000);
  });
});
