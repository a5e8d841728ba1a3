/**
 * How long after a submission the create call reaches the platform, at the median of many: the
 * product promises that provisioning begins within a minute; the aim is a second.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { startApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';

const SUBMISSIONS = 20;
const ROWS = Array.from({ length: 8 }, (_, row) => JSON.stringify({ text: `row ${row}` }));

const folder = mkdtempSync(join(tmpdir(), 'runpod-subgraph-bench-'));
const app = await startApp(
  readConfig({ PORT: '0', DATA_DIR: folder, LOG_LEVEL: 'silent', RECONCILE_SECONDS: '5' }),
);
try {
  const uploadId = await upload();
  const delays: number[] = [];
  for (let n = 0; n < SUBMISSIONS; n += 1) delays.push(await submitAndWait(uploadId));
  delays.sort((a, b) => a - b);
  const at = (share: number) => delays[Math.floor(share * (delays.length - 1))]?.toFixed(0) ?? '';
  process.stdout.write(
    `submission to create call, ${SUBMISSIONS} jobs one after the other: median ${at(0.5)} ms, p95 ${at(0.95)} ms\n`,
  );
} finally {
  await app.close();
  rmSync(folder, { recursive: true, force: true });
}

async function upload(): Promise<string> {
  const { createDatasetUpload } = await ask(
    'mutation { createDatasetUpload(fileName: "rows.jsonl") { uploadId uploadUrl } }',
  );
  const { uploadId, uploadUrl } = createDatasetUpload as { uploadId: string; uploadUrl: string };
  await fetch(uploadUrl, { method: 'PUT', body: ROWS.join('\n') });
  return uploadId;
}

/** @returns milliseconds from sending the mutation to the pod's existence */
async function submitAndWait(uploadId: string): Promise<number> {
  const sentAt = Date.now();
  const { submitTrainingJob } = await ask(
    `mutation($input: SubmitTrainingJobInput!) { submitTrainingJob(input: $input) { job { id } userErrors { message } } }`,
    { input: { name: 'bench', spec: { baseModel: 'emulator/tiny-1M', dataset: { uploadId } } } },
  );
  const { id } = (submitTrainingJob as { job: { id: string } }).job;
  for (const deadline = sentAt + 60_000; Date.now() < deadline;) {
    const pods = (await (await fetch(`${app.emulatorUrl ?? ''}/__emulator/pods`)).json()) as {
      name: string;
      createdAt: string;
    }[];
    const pod = pods.find(({ name }) => name.includes(id));
    if (pod !== undefined) {
      await ask('mutation($id: ID!) { cancelTrainingJob(id: $id) { job { id } } }', { id });
      return Date.parse(pod.createdAt) - sentAt;
    }
  }
  throw new Error('no pod was asked for within a minute');
}

async function ask(query: string, variables: object = {}): Promise<Record<string, unknown>> {
  const response = await fetch(`${app.url}/graphql`, {
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
