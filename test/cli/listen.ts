/** Servers of a test's own, closed when it ends. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** @returns its address, without a slash at the end */
export async function listen(handler: Handler): Promise<string> {
  const server = createServer(handler);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}

export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Passes everything on to `target`, but what `cut` says yes to loses its connection. */
export async function startFlakyProxy(
  target: string,
  cut: (request: IncomingMessage, body: string) => boolean,
): Promise<string> {
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (cut(request, body.toString())) {
      request.socket.destroy();
      return;
    }
    const answer = await fetch(`${target}${request.url ?? ''}`, {
      method: request.method ?? 'GET',
      headers: { 'content-type': request.headers['content-type'] ?? 'application/json' },
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    });
    response.writeHead(answer.status, {
      'content-type': answer.headers.get('content-type') ?? 'text/plain',
    });
    response.end(Buffer.from(await answer.arrayBuffer()));
  }
  return listen((request, response) => {
    pass(request, response).catch(() => request.socket.destroy());
  });
}

/** Passes bytes on to `target`, as `join` wires the two ends of each connection. */
async function startTcpProxy(
  target: string,
  join: (client: Socket, upstream: Socket) => void,
): Promise<string> {
  const { port } = new URL(target);
  const open = new Set<Socket>();
  const server = createTcpServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    join(client, upstream);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function isUpgrade(chunk: Buffer): boolean {
  return /^upgrade: websocket/im.test(chunk.toString('latin1'));
}

/**
 * Passes bytes on to `target`, WebSockets too; each connection for a WebSocket is cut behind so many
 * bytes of answer.
 * @returns its address, and how many it has cut
 */
export async function startCuttingProxy(
  target: string,
  bytesUntilCut: () => number,
): Promise<{ url: string; cuts: () => number }> {
  let cuts = 0;
  const url = await startTcpProxy(target, (client, upstream) => {
    let left = Infinity;
    client.on('data', (chunk) => {
      if (isUpgrade(chunk)) left = bytesUntilCut();
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      client.write(chunk.subarray(0, Math.min(left, chunk.length)));
      left -= chunk.length;
      if (left > 0) return;
      cuts += 1;
      client.destroySoon();
    });
  });
  return { url, cuts: () => cuts };
}

/**
 * Passes everything on to `target`, but answers WebSockets itself with `statusOf` their number,
 * which begins with 1; null: it lets that one through.
 */
export async function startRefusingProxy(
  target: string,
  statusOf: (upgrade: number) => number | null,
): Promise<string> {
  let upgrades = 0;
  return startTcpProxy(target, (client, upstream) => {
    client.on('data', (chunk) => {
      const status = isUpgrade(chunk) ? statusOf((upgrades += 1)) : null;
      if (status === null) upstream.write(chunk);
      else client.end(`HTTP/1.1 ${status} No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
    upstream.on('data', (chunk) => client.write(chunk));
  });
}
