import { expect, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';
import { hasEnded, jobThat, SPEC, submitJob, uploadDataset } from '../support/training.ts';

const QUICK = { RECONCILE_SECONDS: '0.1', POD_ABSENT_SECONDS: '0.3' };

async function startJob(
  settings: Readonly<Record<string, string>>,
  faults: readonly Readonly<Record<string, unknown>>[],
) {
  const { query, emulator } = await startTestApp({ ...QUICK, ...settings });
  const uploadId = await uploadDataset(query);
  for (const fault of faults) await emulator.addFault(fault);
  const { job, userErrors } = await submitJob(query, {
    name: 'one',
    spec: { ...SPEC, dataset: { uploadId } },
  });
  expect(userErrors).toEqual([]);
  return { query, emulator, id: job?.id ?? '' };
}

test('a listing that hangs keeps no job from its steps', async () => {
  const { query, emulator, id } = await startJob({}, [{ kind: 'hang', route: 'GET /v2/pods' }]);
  // Long before the first of them has timed out.
  expect(await jobThat(query, id, hasEnded, 8_000)).toMatchObject({ status: 'COMPLETED' });
  const { rest } = await emulator.requests();
  expect(rest['GET /v2/pods']).toBeLessThanOrEqual(3);
});

test('a new pod that is listed late is not taken for lost', async () => {
  const settings = { LISTING_GRACE_SECONDS: '10' };
  const { query, id } = await startJob(settings, [{ kind: 'listing-lag', ms: 8_000 }]);
  const ended = await jobThat(query, id, hasEnded);
  expect(ended).toMatchObject({ status: 'COMPLETED', attempts: [{ outcome: 'SUCCEEDED' }] });
});

test('a job that every machine is refused to gives up when its wait is over', async () => {
  const settings = { CAPACITY_WAIT_SECONDS: '3' };
  // One machine after another is refused, each a second later: the wait goes on all the while.
  const refusal = { kind: 'rate-limited', route: 'POST /v2/pods', retryAfterSeconds: 1 };
  const { query, id, emulator } = await startJob(settings, [refusal]);
  const ended = await jobThat(query, id, hasEnded, 10_000);
  expect(ended).toMatchObject({ status: 'FAILED', failure: { code: 'NO_CAPACITY' } });
  expect(await emulator.pods()).toEqual([]);
});
