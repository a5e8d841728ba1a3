/**
 * Makes an ended job's whole log an artifact: one JSON object a line, compressed. It may be done
 * again after a crash: the same log gives the same file, under the same key and id.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { upsertArtifact } from '../store/artifacts.ts';
import type { Database } from '../store/database.ts';
import { linesAfter } from '../store/log-lines.ts';
import { markArchived } from '../store/log-retention.ts';
import type { EndedJob } from '../store/log-retention.ts';

const PATH = 'log.jsonl.gz';
/** The log is the job's, and no attempt's: so it never meets a file of the trainer's of that name. */
const NO_ATTEMPT = 0;

export interface ArchiveDeps {
  readonly db: Database;
  readonly artifacts: Pick<ArtifactStore, 'adopt'>;
  /** For what is on its way; on this machine's disk. */
  readonly stagingFolder: string;
  readonly now: () => number;
}

/** @throws {AppError} STORE_UNAVAILABLE */
export async function archiveLog(
  { db, artifacts, stagingFolder, now }: ArchiveDeps,
  { id: jobId, tenantId }: EndedJob,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(stagingFolder, { recursive: true, mode: 0o700 });
  const path = join(stagingFolder, `log-${jobId}-${randomUUID()}`);
  try {
    const file = await writeLog(db, jobId, path, signal);
    const storageKey = `jobs/${jobId}/${PATH}`;
    await artifacts.adopt(storageKey, path, signal);
    await db.transaction(async (tx) => {
      await upsertArtifact(tx, tenantId, {
        id: randomUUID(),
        job_id: jobId,
        attempt: NO_ATTEMPT,
        path: PATH,
        kind: 'LOG',
        size_bytes: file.sizeBytes,
        sha256: file.sha256,
        storage_key: storageKey,
        created_at: now(),
      });
      await markArchived(tx, jobId, now());
    });
  } finally {
    await rm(path, { force: true });
  }
}

async function writeLog(db: Database, jobId: string, path: string, signal: AbortSignal) {
  const hash = createHash('sha256');
  await pipeline(
    Readable.from(pagesOf(db, jobId)),
    createGzip(),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
    { signal },
  );
  return { sizeBytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

async function* pagesOf(db: Database, jobId: string): AsyncGenerator<string> {
  let after = 0;
  for (;;) {
    const lines = await linesAfter(db, jobId, after);
    const last = lines.at(-1);
    if (last === undefined) return;
    after = last.seq;
    yield lines
      .map(({ at, ...line }) => `${JSON.stringify({ at: new Date(at).toISOString(), ...line })}\n`)
      .join('');
  }
}
