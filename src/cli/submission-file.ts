/** A training to submit, as a file: `SubmitTrainingJobInput` in JSON, and `datasetFile` beside it. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { CliFailure } from './failure.ts';

const objectSchema = z.record(z.string(), z.unknown());

/** What the values are is the server's to judge; here only names that would be overlooked count. */
const submissionSchema = z.strictObject({
  name: z.string(),
  spec: objectSchema,
  placement: objectSchema.optional(),
  limits: objectSchema.optional(),
  labels: z.array(z.unknown()).optional(),
  idempotencyKey: z.string().optional(),
  datasetFile: z.string().min(1).optional(),
});

export interface SubmissionFile {
  /** Without `datasetFile`. */
  readonly input: Readonly<Record<string, unknown>> & {
    readonly name: string;
    readonly spec: Readonly<Record<string, unknown>>;
    readonly placement?: unknown;
    readonly limits?: unknown;
    readonly idempotencyKey?: string | undefined;
  };
  /** To be uploaded first; relative to the submission's own folder. */
  readonly datasetFile: string | undefined;
}

/** @throws {CliFailure} usage */
export async function readSubmissionFile(path: string): Promise<SubmissionFile> {
  const parsed = submissionSchema.safeParse(parseJson(path, await readText(path)));
  if (!parsed.success) throw malformed(path, parsed.error);
  const { datasetFile, ...input } = parsed.data;
  if (datasetFile === undefined) return { input, datasetFile };
  if (input.spec.dataset !== undefined) {
    const hint = 'datasetFile is uploaded and becomes spec.dataset: give one of them.';
    throw new CliFailure('usage', `${path} has both datasetFile and spec.dataset.`, { hint });
  }
  return { input, datasetFile: resolve(dirname(path), datasetFile) };
}

/** The same on a dataset that was uploaded. */
export function withUpload(input: SubmissionFile['input'], uploadId: string) {
  return { ...input, spec: { ...input.spec, dataset: { uploadId } } };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function unreadable(path: string, error: unknown): CliFailure {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  const why = code === 'ENOENT' ? 'there is no such file' : code;
  return new CliFailure('usage', `${path} cannot be read: ${why}.`, { cause: error });
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliFailure('usage', `${path} is not JSON: ${why}`, { cause: error });
  }
}

function malformed(path: string, error: z.ZodError): CliFailure {
  const faults = error.issues.map((issue) => ({
    code: 'INVALID',
    message: issue.message,
    path: issue.path.map(String),
  }));
  const hint = 'examples/tiny.json shows what a submission looks like.';
  return new CliFailure('usage', `${path} is not a submission:`, { faults, hint });
}
