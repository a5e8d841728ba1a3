import { expect, test } from 'vitest';
import { hasEnded, jobThat, LONG_SPEC, SPEC, startWithDataset } from '../support/training.ts';
import { until } from '../support/until.ts';

const HF_TOKEN = 'hf_averysecrettoken';

interface RestPod {
  readonly id: string;
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
}

async function startTraining(settings: Readonly<Record<string, string>> = {}) {
  const app = await startWithDataset(settings);
  const restPods = async () => {
    const response = await fetch(`${app.app.emulatorUrl ?? ''}/v2/pods`, {
      headers: { authorization: 'Bearer any' },
    });
    return ((await response.json()) as { pods: RestPod[] }).pods;
  };
  return {
    ...app,
    restPods,
    submit: (more: object = {}, spec: object = LONG_SPEC) => app.submit(more, spec),
  };
}

test('what the placement says reaches the create request', async () => {
  const { query, submit, restPods } = await startTraining();
  const id = await submit({
    placement: {
      gpuResourceIds: ['NVIDIA H100 80GB HBM3'],
      gpuCount: 2,
      dataCenterIds: ['US-KS-2', 'EU-RO-1', 'EUR-IS-1', 'US-CA-2'],
      image: 'example/own-image:1.2',
      networkVolumeId: 'vol123',
      containerDiskGb: 77,
    },
  });
  await jobThat(query, id, ({ status }) => status === 'RUNNING');
  const [pod] = await restPods();
  expect(pod).toMatchObject({
    image: 'example/own-image:1.2',
    gpu: { id: 'NVIDIA H100 80GB HBM3', count: 2 },
    cloud: 'SECURE',
    disk: 77,
    mounts: { network: [{ volumeId: 'vol123', path: '/workspace' }] },
    ports: ['8000/http'],
  });
  expect(pod?.name).toMatch(new RegExp(`^rps-[a-z0-9]+-${id}-1-[a-z0-9]+$`));
  const { data } = await query(
    'query($id: ID!) { trainingJob(id: $id) { gpuCount cloud gpuResource { id } } }',
    { id },
  );
  expect(data).toMatchObject({
    trainingJob: { gpuCount: 2, cloud: 'SECURE', gpuResource: { id: 'NVIDIA H100 80GB HBM3' } },
  });
});

test('the pod gets what its backend needs: image, lowest CUDA version, the hub’s address', async () => {
  const { query, submit, restPods } = await startTraining({ HF_ENDPOINT: 'https://hub.example' });
  const id = await submit();
  await jobThat(query, id, ({ status }) => status === 'RUNNING');
  const [pod] = await restPods();
  expect(pod).toMatchObject({
    image: expect.stringMatching(/^runpod\/pytorch:/) as string,
    env: { HF_ENDPOINT: 'https://hub.example' },
  });
});

test('no secret is in a pod’s environment, the log or an answer', async () => {
  const settings = { HF_TOKEN, SIGNING_KEY: 'k'.repeat(40) };
  const { query, submit, restPods } = await startTraining(settings);
  const id = await submit({}, { ...SPEC, baseModel: 'gated/model-1B', maxSteps: 100 });
  await jobThat(query, id, ({ status }) => status === 'RUNNING' || status === 'COLLECTING');
  const pods = JSON.stringify(await restPods());
  expect(pods).toContain('AGENT_TOKEN_SHA256');
  // The gated model was let in, so the token has reached the trainer.
  expect(await jobThat(query, id, hasEnded)).toMatchObject({ status: 'COMPLETED' });
  const answer = JSON.stringify(
    await query(
      'query($id: ID!) { trainingJob(id: $id) { script spec { asJson } logs(first: 1000) { lines { text } } } }',
      { id },
    ),
  );
  for (const text of [pods, answer]) {
    expect(text).not.toContain(HF_TOKEN);
    expect(text).not.toContain('kkkkkkkk');
  }
});

test('a stranger’s machine gets the token of the hub when the job allows it', async () => {
  const { query, submit } = await startTraining({ HF_TOKEN });
  const gated = { ...SPEC, baseModel: 'gated/model-1B' };
  const hidden = await submit(
    { placement: { cloud: 'COMMUNITY', trustCommunityHosts: true } },
    gated,
  );
  expect(await jobThat(query, hidden, hasEnded)).toMatchObject({ status: 'COMPLETED' });
});

test('what a job cost is told as worked out, and as billed once that is known', async () => {
  const { query, submit } = await startTraining();
  const id = await submit({}, SPEC);
  await jobThat(query, id, hasEnded);
  const { billedUsd, usdSoFar } = await until('the bill', async () => {
    const { data } = await query(
      'query($id: ID!) { trainingJob(id: $id) { cost { usdSoFar billedUsd } } }',
      { id },
    );
    const { cost } = (
      data as unknown as { trainingJob: { cost: { usdSoFar: number; billedUsd: number | null } } }
    ).trainingJob;
    return cost.billedUsd === null ? undefined : { ...cost, billedUsd: cost.billedUsd };
  });
  expect(billedUsd).toBeGreaterThan(0);
  expect(Math.abs(billedUsd - usdSoFar)).toBeLessThan(usdSoFar);
});

test('candidates are tried in the order that was asked for', async () => {
  const { query, submit, emulator } = await startTraining();
  await emulator.addFault({ kind: 'no-capacity', gpuTypeId: 'NVIDIA H200' });
  const placement = { gpuResourceIds: ['NVIDIA H200', 'NVIDIA L4', 'NVIDIA GeForce RTX 4090'] };
  const id = await submit({ placement });
  const { attempts } = await jobThat(query, id, ({ status }) => status === 'RUNNING');
  expect(attempts).toMatchObject([{ number: 1, gpuResourceId: 'NVIDIA L4' }]);
});

test.for([
  ['insufficient-balance', 'INSUFFICIENT_BALANCE'],
  ['unauthorized', 'UNAUTHORIZED'],
] as const)('a create that is refused for %s ends the job', async ([kind, code]) => {
  const { query, submit, emulator } = await startTraining();
  await emulator.addFault({ kind, route: 'POST /v2/pods' });
  const ended = await jobThat(query, await submit(), hasEnded);
  expect(ended).toMatchObject({ status: 'FAILED', failure: { code } });
  expect(await emulator.pods()).toEqual([]);
});

test('a request that the platform will never take is not sent again', async () => {
  const { query, submit, emulator } = await startTraining();
  await emulator.addFault({
    kind: 'status',
    status: 422,
    body: { title: 'Unprocessable Entity', status: 422 },
    route: 'POST /v2/pods',
  });
  expect(await jobThat(query, await submit(), hasEnded)).toMatchObject({
    failure: { code: 'PLATFORM_REJECTED' },
  });
  expect((await emulator.requests()).rest['POST /v2/pods']).toBe(1);
});

test('a rule that every candidate breaks is the request’s fault', async () => {
  const { query, submit, emulator } = await startTraining();
  const body = { title: 'Bad Request', status: 400, detail: 'disk is too large' };
  await emulator.addFault({ kind: 'status', status: 400, body, route: 'POST /v2/pods' });
  const { failure } = await jobThat(query, await submit(), hasEnded);
  expect(failure?.code).toBe('PLATFORM_REJECTED');
  expect(failure?.message).toContain('disk is too large');
});
