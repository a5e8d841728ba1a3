/**
 * Datasets that people send: announced, received once, checked, kept for jobs.
 *
 * - WAITING    announced; its bytes may come until it expires
 * - RECEIVING  one process writes them to DATA_DIR/uploads/ID.part, under a lease it renews; a cut, a
 *              refusal or the lease's end leads back to WAITING, with nothing kept
 * - READY      complete, checked and in the artifact store; never changes
 * - EXPIRED    being removed; nobody finds it any more
 */
import { randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { UploadSource } from '../datasources/pod-agent.ts';
import { datasetFormatOf, podFileNameOf } from '../domain/dataset/dataset-file-name.ts';
import type { TrainingUserError } from '../domain/training/user-error.ts';
import { AppError } from '../errors.ts';
import type { Database } from '../store/database.ts';
import {
  deleteUpload,
  expireUpload,
  insertUpload,
  selectDeadUploads,
  selectOldUploads,
  selectUpload,
} from '../store/uploads.ts';
import type { UploadRow } from '../store/uploads.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { uploadPathOf } from './signed-url.ts';
import type { UrlSigner } from './signed-url.ts';
import { LEASE_MS } from './upload-lease.ts';
import {
  createUploadReceiver,
  partPathOf,
  receiveAgain,
  storageKeyOf,
  uploadIdOfPart,
} from './upload-receiver.ts';
import type { ReceiveResult, UploadContent } from './upload-receiver.ts';

export interface UploadsDeps {
  readonly db: Database;
  readonly store: ArtifactStore;
  /** Of purpose `upload`. */
  readonly signer: Pick<UrlSigner, 'sign'>;
  readonly dataDir: string;
  readonly maxBytes: number;
  readonly tenantId: string;
  /** Whether a job may still want this upload. */
  readonly isReferenced: (uploadId: string) => Promise<boolean>;
  /** How long a complete upload that no job refers to is kept. */
  readonly retentionMs?: number;
  readonly now?: () => number;
}

export interface Upload {
  readonly id: string;
  readonly fileName: string;
  readonly state: 'WAITING' | 'RECEIVING' | 'READY';
  /** Null until it is READY. */
  readonly content: UploadContent | null;
}

export type CreateUploadResult =
  | {
      readonly kind: 'created';
      readonly uploadId: string;
      readonly uploadUrl: string;
      /** Epoch milliseconds. */
      readonly expiresAt: number;
    }
  | { readonly kind: 'refused'; readonly errors: readonly TrainingUserError[] };

/** A complete upload as a pod gets it; the name is one of PROTOCOL.md §3.3. */
export interface PodFile extends UploadSource {
  readonly fileName: string;
}

export interface Uploads {
  /** `sizeBytes` null: not known before. */
  create(fileName: string, sizeBytes: number | null): Promise<CreateUploadResult>;
  /** Null: unknown, or expired and removed. */
  find(uploadId: string): Promise<Upload | null>;
  /**
   * Takes the bytes. Unless it answers `stored` nothing of them stays, and `body` may be left unread.
   * @param length the request's Content-Length; null: chunked
   * @throws {AppError} STORE_UNAVAILABLE; besides, what `body` throws when its sender is cut off
   */
  receive(
    uploadId: string,
    body: AsyncIterable<Uint8Array>,
    length: number | null,
  ): Promise<ReceiveResult>;
  /** @throws {AppError} NOT_FOUND where it is unknown or not complete */
  openForPod(uploadId: string): Promise<PodFile>;
  /** Removes what nobody can use any more; how many uploads that were. */
  purge(at: number): Promise<number>;
}

const TTL_SECONDS = 3_600;
const TTL_MS = TTL_SECONDS * 1_000;
const RETENTION_MS = 30 * 86_400_000;
const PURGE_PAGE = 100;

export function createUploads(deps: UploadsDeps): Uploads {
  const { db, store, signer, maxBytes, tenantId, retentionMs = RETENTION_MS } = deps;
  const now = deps.now ?? Date.now;
  const folder = join(resolve(deps.dataDir), 'uploads');
  const receiver = createUploadReceiver({
    db,
    store,
    folder,
    maxBytes,
    tenantId,
    ttlMs: TTL_MS,
    now,
  });

  async function removeExpired(row: UploadRow): Promise<void> {
    // First the row hides: who still found it could name it in a job.
    if (row.state !== 'EXPIRED' && !(await expireUpload(db, tenantId, row))) return;
    await store.remove(storageKeyOf(row.id));
    await rm(partPathOf(folder, row.id), { force: true });
    await deleteUpload(db, tenantId, row.id);
  }

  async function purgeDead(at: number): Promise<number> {
    const limits = { now: at, createdBefore: at - TTL_MS, limit: PURGE_PAGE };
    for (let count = 0; ;) {
      const rows = await selectDeadUploads(db, tenantId, limits);
      for (const row of rows) await removeExpired(row);
      count += rows.length;
      if (rows.length < PURGE_PAGE) return count;
    }
  }

  async function purgeUnused(at: number): Promise<number> {
    let after = '';
    for (let count = 0; ;) {
      const page = { completedBefore: at - retentionMs, after, limit: PURGE_PAGE };
      const rows = await selectOldUploads(db, tenantId, page);
      for (const row of rows) {
        if (await deps.isReferenced(row.id)) continue;
        await removeExpired(row);
        count += 1;
      }
      after = rows.at(-1)?.id ?? '';
      if (rows.length < PURGE_PAGE) return count;
    }
  }

  /** Files of receivers that died, or whose row is gone. */
  async function purgeParts(at: number): Promise<void> {
    // A folder that was never made has nothing in it.
    const names = await readdir(folder).catch(() => []);
    for (const name of names) {
      const id = uploadIdOfPart(name);
      if (id === null || (await isReceived(id, at))) continue;
      const file = await stat(join(folder, name)).catch(() => null);
      if (file !== null && at - file.mtimeMs > LEASE_MS) {
        await rm(join(folder, name), { force: true });
      }
    }
  }

  async function isReceived(id: string, at: number): Promise<boolean> {
    const row = await selectUpload(db, tenantId, id);
    return row?.state === 'RECEIVING' && row.expires_at >= at;
  }

  return {
    async create(fileName, sizeBytes) {
      const errors = [...faultsOfName(fileName), ...faultsOfSize(sizeBytes, maxBytes)];
      if (errors.length > 0) return { kind: 'refused', errors };
      const id = randomUUID();
      const { url, expiresAt } = signer.sign(uploadPathOf(id), TTL_SECONDS);
      const row = { id, fileName, declaredBytes: sizeBytes, createdAt: now(), expiresAt };
      await insertUpload(db, tenantId, row);
      return { kind: 'created', uploadId: id, uploadUrl: url, expiresAt };
    },
    async find(id) {
      const row = await selectUpload(db, tenantId, id);
      if (row === null || row.state === 'EXPIRED') return null;
      return { id: row.id, fileName: row.file_name, state: row.state, content: contentOf(row) };
    },
    async receive(id, body, length) {
      const row = await selectUpload(db, tenantId, id);
      if (row === null) return { kind: 'unknown' };
      const content = contentOf(row);
      return content === null
        ? receiver.receive(row, body, length)
        : receiveAgain(content, body, length);
    },
    async openForPod(id) {
      const row = await selectUpload(db, tenantId, id);
      const content = row === null ? null : contentOf(row);
      if (row === null || content === null) {
        throw new AppError('NOT_FOUND', `There is no complete upload ${id}.`);
      }
      const { sizeBytes, sha256 } = content;
      const key = row.storage_key ?? storageKeyOf(row.id);
      const read = (offset: number) => store.read(key, { from: offset, to: sizeBytes - 1 });
      return { fileName: podFileNameOf(row.file_name), sizeBytes, sha256, read };
    },
    async purge(at) {
      const count = (await purgeDead(at)) + (await purgeUnused(at));
      await purgeParts(at);
      return count;
    },
  };
}

function faultsOfName(fileName: string): TrainingUserError[] {
  if (datasetFormatOf(fileName) !== null) return [];
  const message =
    'fileName: expected the name of a .jsonl, .json, .csv or .parquet file, without a folder.';
  return [{ code: 'INVALID', message, path: ['fileName'] }];
}

function faultsOfSize(sizeBytes: number | null, maxBytes: number): TrainingUserError[] {
  if (sizeBytes === null) return [];
  if (Number.isSafeInteger(sizeBytes) && sizeBytes > 0 && sizeBytes <= maxBytes) return [];
  const message = `sizeBytes: expected a whole number from 1 to ${maxBytes}.`;
  return [{ code: 'INVALID', message, path: ['sizeBytes'] }];
}

function contentOf(row: UploadRow): UploadContent | null {
  const { size_bytes: sizeBytes, sha256, format, row_count: rowCount } = row;
  if (row.state !== 'READY') return null;
  if (sizeBytes === null || sha256 === null || format === null || rowCount === null) return null;
  return { sizeBytes, sha256, format, rowCount };
}
