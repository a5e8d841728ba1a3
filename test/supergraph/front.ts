/**
 * Stands before a subgraph or a gateway: passes everything on, notes what is asked, and cuts
 * connections when it is told to.
 */
import { once } from 'node:events';
import { createServer, request as openRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';

export interface Asked {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

export interface SocketMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: Asked;
}

export interface Front {
  readonly url: string;
  /** Where to pass things on from now. */
  point(url: string): void;
  /** Forgets what was asked. */
  reset(): void;
  /** Operations that came over HTTP, since the last reset. */
  readonly posted: readonly Asked[];
  /** Messages that came over WebSocket, since the last reset. */
  readonly messages: readonly SocketMessage[];
  /** Requests and sockets that are going on. */
  readonly open: () => number;
  /**
   * Cuts every connection, without a word or with this close code where they are sockets; how many
   * they were.
   */
  cut(closeCode?: number): number;
  readonly close: () => Promise<void>;
}

export async function startFront(): Promise<Front> {
  let target = new URL('http://127.0.0.1:1');
  const posted: Asked[] = [];
  const messages: SocketMessage[] = [];
  /** Each ends one exchange that is going on. */
  const cuts = new Set<(closeCode?: number) => void>();

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    if (request.method === 'POST') posted.push(JSON.parse(body.toString()) as Asked);
    const { method, headers, url: path } = request;
    const { hostname, port } = target;
    const onward = openRequest({ hostname, port, path, method, headers, agent: false });
    const cut = (): void => {
      onward.destroy();
      response.destroy();
    };
    cuts.add(cut);
    response.on('close', () => {
      cuts.delete(cut);
      onward.destroy();
    });
    onward.on('error', cut);
    onward.on('response', (answer) => {
      answer.on('error', cut);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      // A stream's headers must not wait for its first event.
      response.flushHeaders();
      answer.pipe(response);
    });
    onward.end(body);
  }

  const sockets = new WebSocketServer({ noServer: true });
  function bridge(inward: WebSocket, request: IncomingMessage): void {
    const { authorization } = request.headers;
    const outward = new WebSocket(
      new URL(request.url ?? '/', target).href.replace('http', 'ws'),
      request.headers['sec-websocket-protocol'],
      authorization === undefined ? {} : { headers: { authorization } },
    );
    const waiting: string[] = [];
    const cut = (closeCode?: number): void => {
      if (closeCode === undefined) inward.terminate();
      else inward.close(closeCode);
      outward.terminate();
    };
    cuts.add(cut);
    inward.on('message', (data: Buffer) => {
      const text = data.toString();
      messages.push(JSON.parse(text) as SocketMessage);
      if (outward.readyState === WebSocket.OPEN) outward.send(text);
      else waiting.push(text);
    });
    outward.on('open', () => {
      for (const text of waiting.splice(0)) outward.send(text);
    });
    outward.on('message', (data: Buffer) => {
      inward.send(data.toString());
    });
    const ways: readonly [WebSocket, WebSocket][] = [
      [inward, outward],
      [outward, inward],
    ];
    for (const [one, other] of ways) {
      one.on('error', () => {
        cut();
      });
      one.on('close', (code, reason) => {
        cuts.delete(cut);
        // What may be said again; the rest means that nothing was said.
        if (code === 1000 || code === 1001 || code >= 4000) other.close(code, reason);
        else other.terminate();
      });
    }
  }

  const server = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  server.on('upgrade', (request, socket: Duplex, head) => {
    sockets.handleUpgrade(request, socket, head, (inward) => {
      bridge(inward, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  function cut(closeCode?: number): number {
    const count = cuts.size;
    for (const end of [...cuts]) end(closeCode);
    return count;
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`,
    point: (url) => {
      target = new URL(url);
    },
    reset() {
      posted.length = 0;
      messages.length = 0;
    },
    posted,
    messages,
    open: () => cuts.size,
    cut,
    async close() {
      cut();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
