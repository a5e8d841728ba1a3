/** The whole server with its emulator, as `npm start` has it, and a client of its API. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

const ROWS = Array.from({ length: 8 }, (_, row) => JSON.stringify({ text: `row ${row}` }));

export type WholeApp = Awaited<ReturnType<typeof startWholeApp>>;

export async function startWholeApp() {
  const folder = mkdtempSync(join(tmpdir(), 'runpod-subgraph-bench-'));
  const app = await startApp(
    readConfig({ PORT: '0', DATA_DIR: folder, LOG_LEVEL: 'silent', RECONCILE_SECONDS: '5' }),
  );
  return {
    ...clientOf(app.url),
    emulatorUrl: app.emulatorUrl ?? '',
    async close(): Promise<void> {
      await app.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Of a server's API. */
export function clientOf(url: string) {
  async function ask(query: string, variables: object = {}): Promise<Record<string, unknown>> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as {
      data?: Record<string, unknown>;
      errors?: unknown;
    };
    if (data === undefined || errors !== undefined) throw new Error(JSON.stringify(errors));
    return data;
  }

  return {
    url,
    ask,
    /** @returns the id of a dataset of eight rows */
    async upload(): Promise<string> {
      const { createDatasetUpload } = await ask(
        'mutation { createDatasetUpload(fileName: "rows.jsonl") { uploadId uploadUrl } }',
      );
      const { uploadId, uploadUrl } = createDatasetUpload as Record<string, string>;
      await fetch(uploadUrl ?? '', { method: 'PUT', body: ROWS.join('\n') });
      return uploadId ?? '';
    },
    /** @returns the id of a job */
    async submit(uploadId: string, spec: object = {}): Promise<string> {
      const input = {
        name: 'bench',
        spec: { baseModel: 'emulator/tiny-1M', dataset: { uploadId }, ...spec },
      };
      const { submitTrainingJob } = await ask(
        'mutation($input: SubmitTrainingJobInput!) { submitTrainingJob(input: $input) { job { id } userErrors { message } } }',
        { input },
      );
      return (submitTrainingJob as { job: { id: string } }).job.id;
    },
    async cancel(id: string): Promise<void> {
      await ask('mutation($id: ID!) { cancelTrainingJob(id: $id) { job { id } } }', { id });
    },
  };
}
