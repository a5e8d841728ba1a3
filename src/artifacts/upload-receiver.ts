/** The bytes of one upload: through a part file and the dataset check into the artifact store. */
import { createHash } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createDatasetCheck } from '../domain/dataset/dataset-check.ts';
import type { DatasetReport } from '../domain/dataset/dataset-check.ts';
import { datasetFormatOf } from '../domain/dataset/dataset-file-name.ts';
import type { DatasetFormat } from '../domain/dataset/dataset-file-name.ts';
import { completeUpload } from '../store/uploads.ts';
import type { UploadRow } from '../store/uploads.ts';
import { asDiskFault } from './artifact-store.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { createOrder } from './in-order.ts';
import { openDatasetFile } from './upload-file.ts';
import { takeUploadLease } from './upload-lease.ts';
import type { UploadLease, UploadLeaseDeps } from './upload-lease.ts';

export interface UploadReceiverDeps extends UploadLeaseDeps {
  readonly store: ArtifactStore;
  /** Of the part files. */
  readonly folder: string;
  readonly maxBytes: number;
}

export interface UploadContent {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly format: DatasetFormat;
  readonly rowCount: number;
}

export type ReceiveResult =
  | { readonly kind: 'stored' | 'same'; readonly content: UploadContent }
  | { readonly kind: 'unknown' | 'busy' | 'differs' }
  | { readonly kind: 'too-large'; readonly limitBytes: number }
  | { readonly kind: 'wrong-size'; readonly declaredBytes: number }
  | { readonly kind: 'faulty'; readonly report: DatasetReport & { readonly kind: 'faulty' } };

type Body = AsyncIterable<Uint8Array>;
type Copied = ReceiveResult | { readonly kind: 'copied'; readonly content: UploadContent };

const PART = '.part';

/** Another receives this upload by now. */
class LeaseLost extends Error {}

export function createUploadReceiver(deps: UploadReceiverDeps) {
  const { db, store, folder, maxBytes, tenantId, now } = deps;
  /** What one check may hold in memory, many at once may not. */
  const inOrder = createOrder();

  async function receive(row: UploadRow, body: Body, length: number | null) {
    const refusal = refusalOf(row.declared_bytes, length);
    if (refusal !== null) return refusal;
    const lease = await takeUploadLease(deps, row.id);
    if (lease === null) return { kind: 'busy' } as const;
    const part = partPathOf(folder, row.id);
    try {
      const copied = await writePart(row, part, body, lease);
      return copied.kind === 'copied' ? await finish(row, part, copied.content, lease) : copied;
    } finally {
      await rm(part, { force: true });
      await lease.release();
    }
  }

  function refusalOf(announced: number | null, length: number | null): ReceiveResult | null {
    if (length === null) return null;
    if (length > maxBytes) return { kind: 'too-large', limitBytes: maxBytes };
    if (announced === null || announced === length) return null;
    return { kind: 'wrong-size', declaredBytes: announced };
  }

  async function writePart(
    row: UploadRow,
    part: string,
    body: Body,
    lease: UploadLease,
  ): Promise<Copied> {
    let file: FileHandle | undefined;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // A receiver that lost its lease may still write under this name: to an inode of its own.
      await rm(part, { force: true });
      file = await open(part, 'wx+', 0o600);
      return await copyChecked(row, file, body, lease);
    } catch (error) {
      if (error instanceof LeaseLost) return { kind: 'busy' };
      throw asDiskFault(error, 'The folder of incoming files');
    } finally {
      await file?.close();
    }
  }

  async function copyChecked(
    row: UploadRow,
    file: FileHandle,
    body: Body,
    lease: UploadLease,
  ): Promise<Copied> {
    const { declared_bytes: announced } = row;
    const asked = datasetFormatOf(row.file_name) ?? 'jsonl';
    const check = createDatasetCheck(asked);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of body) {
      sizeBytes += chunk.length;
      if (announced !== null && sizeBytes > announced) break;
      if (sizeBytes > maxBytes) return { kind: 'too-large', limitBytes: maxBytes };
      if (lease.isLost) return { kind: 'busy' };
      hash.update(chunk);
      await check.push(chunk);
      if (check.isHopeless) break;
      await file.appendFile(chunk);
    }
    if (announced !== null && sizeBytes !== announced && !check.isHopeless) {
      return { kind: 'wrong-size', declaredBytes: announced };
    }
    const whole = openDatasetFile(file, sizeBytes, () => {
      if (lease.isLost) throw new LeaseLost();
    });
    const report =
      asked === 'parquet' ? await inOrder(() => check.end(whole)) : await check.end(whole);
    if (report.kind === 'faulty') return { kind: 'faulty', report };
    const { format, rowCount } = report;
    const content = { sizeBytes, sha256: hash.digest('hex'), format, rowCount };
    return { kind: 'copied', content };
  }

  async function finish(
    row: UploadRow,
    part: string,
    content: UploadContent,
    lease: UploadLease,
  ): Promise<ReceiveResult> {
    if (!(await lease.renew())) return { kind: 'busy' };
    const storageKey = storageKeyOf(row.id);
    await store.adopt(storageKey, part);
    const leaseUntil = await lease.settle();
    const at = { leaseUntil, storageKey, completedAt: now() };
    const done = await completeUpload(db, tenantId, row.id, { ...content, ...at });
    return done ? { kind: 'stored', content } : { kind: 'busy' };
  }

  return { receive };
}

export function storageKeyOf(uploadId: string): string {
  return `uploads/${uploadId}`;
}

export function partPathOf(folder: string, uploadId: string): string {
  return join(folder, `${uploadId}${PART}`);
}

/** Null: no part file's name. */
export function uploadIdOfPart(name: string): string | null {
  return name.endsWith(PART) ? name.slice(0, -PART.length) : null;
}

/** The same file sent again is a success, so that a sender who missed the answer may repeat it. */
export async function receiveAgain(
  content: UploadContent,
  body: Body,
  length: number | null,
): Promise<ReceiveResult> {
  if (length !== null && length !== content.sizeBytes) return { kind: 'differs' };
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > content.sizeBytes) return { kind: 'differs' };
    hash.update(chunk);
  }
  return hash.digest('hex') === content.sha256 ? { kind: 'same', content } : { kind: 'differs' };
}
