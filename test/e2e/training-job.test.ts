import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';
import { hasEnded, jobThat, SPEC, submitJob, uploadDataset } from '../support/training.ts';
import { until } from '../support/until.ts';

const QUICK = { RECONCILE_SECONDS: '0.2', POD_ABSENT_SECONDS: '0.5' };

test('a submitted job is rented, trained, verified and downloadable, and its pod is gone', async () => {
  const { query, emulator } = await startTestApp(QUICK);
  const uploadId = await uploadDataset(query);
  const { job, userErrors } = await submitJob(query, {
    name: 'first',
    spec: { ...SPEC, dataset: { uploadId } },
  });
  expect(userErrors).toEqual([]);
  const ended = await jobThat(query, job?.id ?? '', hasEnded);
  expect(ended).toMatchObject({
    status: 'COMPLETED',
    failure: null,
    attempts: [{ number: 1, outcome: 'SUCCEEDED', exitCode: 0 }],
    progress: { step: 20, totalSteps: 20 },
  });
  const adapter = ended.artifacts.find(({ path }) => path === 'adapter_model.safetensors');
  expect(adapter).toMatchObject({ kind: 'ADAPTER' });
  const bytes = Buffer.from(await (await fetch(adapter?.downloadUrl ?? '')).arrayBuffer());
  expect(bytes.byteLength).toBe(adapter?.sizeBytes);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(adapter?.sha256);
  await until('the pod is terminated', async () =>
    (await emulator.pods()).every(({ terminatedAt }) => terminatedAt !== null),
  );
  expect(await emulator.pods()).toHaveLength(1);
});
