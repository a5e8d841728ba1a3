import { expect, test } from 'vitest';
import { createPodByHand } from '../chaos/pod-by-hand.ts';
import { startTestApp } from '../support/start-app.ts';
import { jobThat, readJob, SPEC, submitJob, uploadDataset } from '../support/training.ts';
import { until } from '../support/until.ts';

const QUICK = { RECONCILE_SECONDS: '0.1', POD_ABSENT_SECONDS: '0.5' };
/** Trains until it is told to stop. */
const LONG = { ...SPEC, maxSteps: 1_000_000, checkpointSteps: 1_000_000 };

async function startLongJob() {
  const server = await startTestApp(QUICK);
  const { query, emulator, app } = server;
  const uploadId = await uploadDataset(query);
  const { job, userErrors } = await submitJob(query, {
    name: 'long',
    spec: { ...LONG, dataset: { uploadId } },
  });
  expect(userErrors).toEqual([]);
  const id = job?.id ?? '';
  await jobThat(query, id, ({ status }) => status === 'RUNNING');
  const [pod] = await emulator.pods();
  if (pod === undefined) throw new Error('there is no pod');
  return { ...server, id, pod, emulatorUrl: app.emulatorUrl ?? '' };
}

test('a second pod with the name of a live one is terminated, and the first goes on', async () => {
  const { query, emulator, emulatorUrl, id, pod } = await startLongJob();
  const before = (await readJob(query, id)).cost;
  expect(before.usdPerHour).toBeGreaterThan(0);
  const duplicate = await createPodByHand(emulatorUrl, pod.name);
  await until('the duplicate is terminated', async () =>
    (await emulator.pods()).some((each) => each.id === duplicate && each.terminatedAt !== null),
  );
  const after = await jobThat(query, id, ({ cost }) => cost.usdSoFar > before.usdSoFar);
  expect(after).toMatchObject({ status: 'RUNNING', cost: { usdPerHour: before.usdPerHour } });
  expect((await emulator.pods()).find((each) => each.id === pod.id)?.terminatedAt).toBeNull();
});

test('a pod of another installation is left alone', async () => {
  const { emulator, emulatorUrl, query, id } = await startLongJob();
  const foreign = await createPodByHand(emulatorUrl, 'rps-another1-job-1-abcdef01');
  const duplicate = await createPodByHand(emulatorUrl, (await emulator.pods())[0]?.name ?? '');
  await until('a sweep is over', async () =>
    (await emulator.pods()).some((each) => each.id === duplicate && each.terminatedAt !== null),
  );
  await query('mutation($id: ID!) { cancelTrainingJob(id: $id) { job { id } } }', { id });
  await until('only the foreign pod lives', async () => {
    const living = (await emulator.pods()).filter(({ terminatedAt }) => terminatedAt === null);
    return living.length === 1 && living[0]?.id === foreign;
  });
});

test('a pod that the platform does not let go of holds its job for a while only, and is an alarm', async () => {
  const server = await startTestApp({ ...QUICK, POD_END_SECONDS: '2' });
  const { query, emulator, app } = server;
  const uploadId = await uploadDataset(query);
  const { job } = await submitJob(query, { name: 'two', spec: { ...LONG, dataset: { uploadId } } });
  const id = job?.id ?? '';
  await jobThat(query, id, ({ status }) => status === 'RUNNING');
  const [pod] = await emulator.pods();
  const overduePods = async () =>
    /^overdue_pods (\d+)$/m.exec(await (await fetch(`${app.url}/metrics`)).text())?.[1];
  // Its end is accepted, and nothing comes of it.
  await emulator.addFault({ kind: 'status', status: 404, route: 'DELETE /v2/pods/{id}' });
  await emulator.addFault({ kind: 'host-death' });
  await jobThat(query, id, ({ status }) => status === 'PENDING');
  expect(await overduePods()).toBe('0');
  await jobThat(query, id, (each) => each.attempts.length === 2 && each.status === 'RUNNING');
  await until('the alarm is raised', async () => (await overduePods()) === '1');
  const before = (await emulator.requests()).rest['DELETE /v2/pods/{id}'] ?? 0;
  await until(
    'it is terminated all the same',
    async () => ((await emulator.requests()).rest['DELETE /v2/pods/{id}'] ?? 0) > before + 1,
  );
  await emulator.clearFaults();
  await until('it is gone', async () =>
    (await emulator.pods()).some((each) => each.id === pod?.id && each.terminatedAt !== null),
  );
  await until('the alarm is over', async () => (await overduePods()) === '0');
});

test('a create that takes effect after its launch was given up is terminated', async () => {
  const { emulator, emulatorUrl, query, id, pod } = await startLongJob();
  await query('mutation($id: ID!) { cancelTrainingJob(id: $id) { job { id } } }', { id });
  await until('no launch is open', async () => {
    const answer = await query('{ rentedPods { podName } }');
    return (answer.data?.rentedPods as unknown as unknown[]).length === 0;
  });
  const late = await createPodByHand(emulatorUrl, pod.name);
  await until('the late pod is terminated', async () =>
    (await emulator.pods()).some((each) => each.id === late && each.terminatedAt !== null),
  );
});
