import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';
import { createLocalStore } from '../../src/artifacts/local-store.ts';
import { createUrlSigner } from '../../src/artifacts/signed-url.ts';
import { createUploads } from '../../src/artifacts/uploads.ts';
import { createUploadRoute } from '../../src/http/uploads.ts';
import { migrate } from '../../src/store/migrate.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { makeFolder } from '../support/folder.ts';

export const TENANT = 'default';

interface Options {
  readonly maxBytes?: number;
  readonly idleMs?: number;
}

/** The route behind a real server, with a database and a store of its own. */
export async function startUploads({ maxBytes = 1_000_000_000, idleMs = 20_000 }: Options = {}) {
  const dataDir = makeFolder();
  const db = openSqlite(join(dataDir, 'db'));
  onTestFinished(() => db.close());
  await migrate(db);
  const store = createLocalStore(join(dataDir, 'artifacts'));
  const clock = { at: Date.now() };
  const referenced = new Set<string>();
  let base = '';
  const signer = createUrlSigner({
    key: 'k'.repeat(43),
    purpose: 'upload',
    baseUrl: () => base,
    now: () => clock.at,
  });
  const make = () =>
    createUploads({
      db,
      store,
      signer,
      dataDir,
      maxBytes,
      tenantId: TENANT,
      isReferenced: (id) => Promise.resolve(referenced.has(id)),
      now: () => clock.at,
    });
  const uploads = make();
  const route = createUploadRoute({ uploads, signer, idleMs });
  const server = createServer({ requestTimeout: 0 }, (incoming, response) => {
    const [path = ''] = (incoming.url ?? '').split('?');
    route(incoming, response, path).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const announce = async (fileName = 'train.jsonl', sizeBytes: number | null = null) => {
    const result = await uploads.create(fileName, sizeBytes);
    if (result.kind === 'refused') throw new Error(JSON.stringify(result.errors));
    return { id: result.uploadId, url: result.uploadUrl };
  };
  return { dataDir, db, store, clock, referenced, signer, uploads, make, announce, base };
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> & {
    readonly error?: { code: string; message: string; rows?: { row: number; message: string }[] };
  };
}

/** Sends a body as it is, or as it comes. */
export function put(
  url: string,
  content: string | Buffer | Readable,
  headers: Record<string, string> = {},
  method = 'PUT',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (got) => {
      let text = '';
      got.on('data', (part: Buffer) => (text += part.toString()));
      got.on('error', reject);
      got.on('end', () => {
        resolve({ status: got.statusCode ?? 0, body: JSON.parse(text) as Answer['body'] });
      });
    });
    sent.on('error', reject);
    if (typeof content === 'string' || Buffer.isBuffer(content)) sent.end(content);
    else content.pipe(sent);
  });
}
