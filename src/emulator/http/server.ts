import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sendAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { readIncoming } from './incoming.ts';
import type { Incoming } from './incoming.ts';
import { Problem, problemAnswer } from './problem.ts';

export interface HttpServer {
  /** Without a trailing slash. */
  readonly url: string;
  /** Cuts every connection, streams included. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  /** For a request that is not to be read whole first; null: it is. */
  readonly handleUnread: (
    request: IncomingMessage,
    response: ServerResponse,
  ) => Promise<Answer> | null;
  readonly handle: (incoming: Incoming) => Promise<Answer>;
}

export async function listen({ host, port, ...handlers }: ListenOptions): Promise<HttpServer> {
  const server = createServer((request, response) => {
    void serve(request, response, handlers);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return {
    url: `http://${name}:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { handle, handleUnread }: Pick<ListenOptions, 'handle' | 'handleUnread'>,
): Promise<void> {
  // A client that leaves, or a fault that cuts the connection, is nothing to report.
  response.on('error', () => undefined);
  try {
    const unread = handleUnread(request, response);
    sendAnswer(await (unread ?? handle(await readIncoming(request))), response);
  } catch (error) {
    fail(error, response);
  }
}

function fail(error: unknown, response: ServerResponse): void {
  if (response.destroyed) return;
  if (error instanceof Problem) {
    sendAnswer(problemAnswer(error), response);
    return;
  }
  process.stderr.write(
    `RunPod emulator: a bug: ${String(error instanceof Error ? error.stack : error)}\n`,
  );
  if (response.headersSent) response.destroy();
  else sendAnswer(problemAnswer(new Problem(500, 'internal error')), response);
}
