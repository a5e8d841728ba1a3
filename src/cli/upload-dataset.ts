import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { failureOfTransport, interrupted } from './api.ts';
import { withRetries } from './backoff.ts';
import { CliFailure, refusal } from './failure.ts';
import { bytes } from './format.ts';
import { faultSchema } from './job-answer.ts';
import type { Session } from './session.ts';
import { unreadable } from './submission-file.ts';

export const CREATE_UPLOAD = `mutation CreateUpload($fileName: String!, $sizeBytes: ByteCount) {
  createDatasetUpload(fileName: $fileName, sizeBytes: $sizeBytes) {
    uploadId uploadUrl userErrors { code message path }
  }
}`;

const createdSchema = z.object({
  createDatasetUpload: z.object({
    uploadId: z.string().nullable(),
    uploadUrl: z.url({ protocol: /^https?$/ }).nullable(),
    userErrors: z.array(faultSchema),
  }),
});

const storedSchema = z.object({
  format: z.string(),
  rowCount: z.number(),
  sizeBytes: z.number(),
  sha256: z.string(),
});
export type UploadedDataset = z.infer<typeof storedSchema> & { readonly uploadId: string };

/** @throws {CliFailure} */
export async function uploadDataset(session: Session, path: string): Promise<UploadedDataset> {
  const { api, output, retry } = session;
  const file = await openFile(path);
  const fileName = basename(path);
  const answer = await api.ask(CREATE_UPLOAD, { fileName, sizeBytes: file.size }, createdSchema);
  const { uploadId, uploadUrl, userErrors } = answer.createDatasetUpload;
  if (uploadId === null || uploadUrl === null) {
    throw refusal(`${path} was not accepted.`, userErrors);
  }
  await output.line(`Uploading ${fileName} (${bytes(file.size)}) …`);
  const stored = await withRetries(() => put(uploadUrl, file, path, session.signal), retry);
  await output.line(`Uploaded ${stored.rowCount} rows as ${uploadId}.`);
  return { uploadId, ...stored };
}

async function openFile(path: string): Promise<Blob> {
  try {
    // The blob alone does not say why it cannot be opened, and takes folders for empty files.
    if (!(await stat(path)).isFile()) throw new CliFailure('usage', `${path} is not a file.`);
    return await openAsBlob(path);
  } catch (error) {
    throw error instanceof CliFailure ? error : unreadable(path, error);
  }
}

/** The bytes may be sent again: the server takes the same content twice. */
async function put(url: string, file: Blob, path: string, signal: AbortSignal) {
  const response = await fetch(url, { method: 'PUT', body: file, signal, redirect: 'error' }).catch(
    (error: unknown) => {
      throw signal.aborted ? interrupted() : failureOfTransport(error, new URL(url).origin);
    },
  );
  const body: unknown = await response.json().catch(() => null);
  const stored = storedSchema.safeParse(body);
  if (response.ok && stored.success) return stored.data;
  throw refusedUpload(path, response.status, body);
}

const refusedSchema = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    rows: z.array(z.object({ row: z.number(), message: z.string() })).optional(),
  }),
});

function refusedUpload(path: string, status: number, body: unknown): CliFailure {
  const isPassing = status >= 500 || status === 429 || status === 408;
  const known = refusedSchema.safeParse(body);
  if (!known.success) {
    return new CliFailure('refused', `The upload of ${path} was answered with ${status}.`, {
      isPassing,
    });
  }
  const { code, message, rows = [] } = known.data.error;
  const faults = rows.map((row) => ({
    code,
    message: row.message,
    path: [`row ${row.row}`],
  }));
  // A cut request may still hold the upload for a moment.
  return new CliFailure('refused', `${path} was not accepted: ${message}`, {
    faults,
    code,
    isPassing: isPassing || code === 'UPLOAD_BUSY',
  });
}
