import type { IncomingMessage } from 'node:http';

export type BodyResult =
  { readonly kind: 'body'; readonly bytes: Buffer } | { readonly kind: 'too-large' };

/** Reads a request's body, and stops at the first byte over `maxBytes`. Rejects if it is cut off. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<BodyResult> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    return Promise.resolve({ kind: 'too-large' });
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        request.pause();
        resolve({ kind: 'too-large' });
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => {
      resolve({
        kind: 'body',
        bytes: chunks.length === 1 ? (chunks[0] ?? EMPTY) : Buffer.concat(chunks),
      });
    });
    request.on('error', reject);
  });
}

const EMPTY = Buffer.alloc(0);
