/** Stands between servers and the emulator, passes everything on, and notes who was given a job. */
import { once } from 'node:events';
import { createServer, request as openRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

const JOB = /^\/__proxy\/([^/]+)\/\d+\/v1\/job$/;

export interface Front {
  readonly url: string;
  /** Ids of pods whose agent has taken a job. */
  readonly jobTakers: ReadonlySet<string>;
}

export async function startFront(emulatorUrl: string): Promise<Front> {
  const jobTakers = new Set<string>();
  const { hostname, port } = new URL(emulatorUrl);

  function pass(request: IncomingMessage, response: ServerResponse): void {
    const { method, headers, url: path } = request;
    const onward = openRequest({ hostname, port, path, method, headers, agent: false });
    onward.on('response', (answer) => {
      const [, podId] = JOB.exec(path ?? '') ?? [];
      const isTaken = answer.statusCode === 200 || answer.statusCode === 201;
      if (method === 'PUT' && podId !== undefined && isTaken) jobTakers.add(podId);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
      answer.on('error', () => response.destroy());
      answer.on('aborted', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  const server = createServer(pass).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, jobTakers };
}
