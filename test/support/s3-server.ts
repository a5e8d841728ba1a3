/**
 * A server that speaks S3 (s3rver: real signatures, real objects on disk), with a record of what it
 * was asked and faults on demand.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { makeFolder } from './folder.ts';

/** The package has no types. */
interface S3Server {
  configureBuckets(): Promise<unknown>;
  callback(): RequestListener;
  readonly logger: { close(): void; exceptions: { unhandle(): void } };
}
type S3ServerClass = new (options: object) => S3Server;

export const S3_KEYS = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };

/** Null: the request goes on to the server. A status: it answers that. `silence`: it never does. */
export type S3Fault = (request: IncomingMessage) => number | 'silence' | 'reset' | null;

export async function startS3Server() {
  const S3rver = createRequire(import.meta.url)('@20minutes/s3rver') as S3ServerClass;
  const s3 = new S3rver({
    directory: makeFolder(),
    silent: true,
    configureBuckets: [{ name: 'results', configs: [] }],
  });
  await s3.configureBuckets();
  const handle = s3.callback();
  const requests: string[] = [];
  let fault: S3Fault = () => null;
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const wrong = fault(request);
    if (wrong === null) handle(request, response);
    else if (wrong === 'reset') request.socket.destroy();
    else if (wrong !== 'silence') response.writeHead(wrong).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    s3.logger.exceptions.unhandle();
    s3.logger.close();
  });
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: requests as readonly string[],
    setFault: (next: S3Fault) => {
      fault = next;
    },
  };
}
