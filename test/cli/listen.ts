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

/**
 * Passes bytes on to `target`, WebSockets too; each connection for a WebSocket is cut behind so many
 * bytes of answer.
 * @returns its address, and how many it has cut
 */
export async function startCuttingProxy(
  target: string,
  bytesUntilCut: () => number,
): Promise<{ url: string; cuts: () => number }> {
  const { port } = new URL(target);
  const open = new Set<Socket>();
  let cuts = 0;
  const server = createTcpServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1');
    let left = Infinity;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (/^upgrade: websocket/im.test(chunk.toString('latin1'))) left = bytesUntilCut();
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
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cuts: () => cuts,
  };
}
