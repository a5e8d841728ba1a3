import { expect, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';

const PLAN = `query($spec: TrainingSpecInput!, $placement: PlacementInput, $limits: LimitsInput) {
  trainingPlan(spec: $spec, placement: $placement, limits: $limits) {
    userErrors { code message path } warnings backend backendReason requiredMemoryGb script
    options { gpuResource { id memoryGb pricing { spotUsdPerHour } } gpuCount cloud fits usdPerHour estimatedSeconds estimatedUsd stock }
  } }`;

interface Option {
  readonly gpuResource: { readonly id: string; readonly memoryGb: number };
  readonly fits: boolean;
  readonly usdPerHour: number;
  readonly estimatedSeconds: number | null;
  readonly estimatedUsd: number | null;
}
interface Plan {
  readonly userErrors: readonly { readonly code: string; readonly path: readonly string[] }[];
  readonly warnings: readonly string[];
  readonly backend: string | null;
  readonly backendReason: string | null;
  readonly requiredMemoryGb: number | null;
  readonly options: readonly Option[];
}

const SPEC = {
  baseModel: 'meta-llama/Llama-3.1-8B',
  algorithm: 'QLORA',
  maxSteps: 100,
  dataset: { huggingFace: { name: 'tatsu-lab/alpaca' } },
};

async function startPlanning() {
  const app = await startTestApp();
  const plan = async (variables: Record<string, unknown>): Promise<Plan> => {
    const answer = await app.query(PLAN, { spec: SPEC, ...variables });
    expect(answer.errors).toBeUndefined();
    return (answer.data as unknown as { trainingPlan: Plan }).trainingPlan;
  };
  return { ...app, plan };
}

test('a plan offers what fits, cheapest first, and rents nothing', async () => {
  const { plan, emulator } = await startPlanning();
  const { userErrors, options, requiredMemoryGb, warnings, backend, backendReason } = await plan(
    {},
  );
  expect(userErrors).toEqual([]);
  expect(options.length).toBeGreaterThan(5);
  for (const option of options) {
    expect(option.fits).toBe(true);
    expect(option.gpuResource.memoryGb).toBeGreaterThanOrEqual(requiredMemoryGb ?? Infinity);
  }
  const prices = options.map(({ usdPerHour }) => usdPerHour);
  expect(prices).toEqual([...prices].sort((a, b) => a - b));
  const h100 = options.find(({ gpuResource }) => gpuResource.id === 'NVIDIA H100 80GB HBM3');
  expect(h100?.estimatedUsd).toBeCloseTo(((h100?.estimatedSeconds ?? 0) / 3600) * 2.69, 1);
  expect(backend).toBe('UNSLOTH');
  expect(backendReason).toContain('Unsloth trains');
  expect(warnings.join()).toContain('toy trainer stands in');
  expect(await emulator.pods()).toEqual([]);
});

test('everything that is wrong with spec, placement and limits is told together', async () => {
  const { plan } = await startPlanning();
  const { userErrors, options } = await plan({
    spec: { ...SPEC, rank: -1 },
    placement: { gpuCount: 0, cloud: 'COMMUNITY' },
    limits: { maxCostUsd: 1_000_000 },
  });
  expect(userErrors.map(({ path }) => path.join('.'))).toEqual([
    'spec.rank',
    'placement.gpuCount',
    'limits.maxCostUsd',
  ]);
  expect(options).toEqual([]);
});

test('named GPUs are shown whether they fit or not, and unknown ones are refused', async () => {
  const { plan } = await startPlanning();
  const named = await plan({
    spec: { ...SPEC, baseModel: 'meta-llama/Llama-3.1-70B' },
    placement: { gpuResourceIds: ['NVIDIA L4', 'NVIDIA H200'] },
  });
  expect(named.options.map(({ fits }) => fits)).toEqual([false, true]);
  const unknown = await plan({ placement: { gpuResourceIds: ['NVIDIA L4', 'RTX 9090'] } });
  expect(unknown.userErrors).toMatchObject([
    { code: 'UNKNOWN', path: ['placement', 'gpuResourceIds', '1'] },
  ]);
});

test('a ceiling, spot and several GPUs decide the price that is shown', async () => {
  const { plan } = await startPlanning();
  const cheap = await plan({ placement: { maxUsdPerHour: 0.5 } });
  expect(cheap.options.every(({ usdPerHour }) => usdPerHour <= 0.5)).toBe(true);
  const id = 'NVIDIA GeForce RTX 4090';
  const usd = async (placement: Record<string, unknown>) =>
    (await plan({ placement: { gpuResourceIds: [id], ...placement } })).options[0]?.usdPerHour;
  expect(await usd({})).toBe(0.74);
  expect(await usd({ spot: true })).toBe(0.37);
  expect(await usd({ gpuCount: 2 })).toBe(1.48);
});

test('what cannot be known is said and not guessed', async () => {
  const { plan } = await startPlanning();
  const spec = { baseModel: 'someone/a-model', dataset: SPEC.dataset };
  const { options, requiredMemoryGb, warnings } = await plan({ spec });
  expect(requiredMemoryGb).toBeNull();
  expect(options.length).toBeGreaterThan(0);
  expect(options.every(({ fits, estimatedSeconds }) => !fits && estimatedSeconds === null)).toBe(
    true,
  );
  expect(warnings.join()).toMatch(/someone\/a-model is not known[\s\S]*maxSteps/);
});

test('a backend that cannot do the specification is refused with what to change', async () => {
  const { plan } = await startPlanning();
  const spec = { ...SPEC, backend: 'UNSLOTH' };
  const { userErrors, backend } = await plan({ spec, placement: { gpuCount: 2 } });
  expect(userErrors).toMatchObject([{ code: 'UNSUPPORTED', path: ['placement', 'gpuCount'] }]);
  expect(backend).toBeNull();
  const auto = await plan({ placement: { gpuCount: 2 } });
  expect(auto).toMatchObject({
    backend: 'TRL',
    backendReason: 'TRL trains: Unsloth uses one GPU.',
  });
  // They share the accumulation of four.
  const secondsOn = async (gpuCount: number) => {
    const placement = { gpuCount, gpuResourceIds: ['NVIDIA H100 80GB HBM3'] };
    const { options } = await plan({ spec: { ...SPEC, backend: 'TRL' }, placement });
    return options[0]?.estimatedSeconds ?? NaN;
  };
  expect((await secondsOn(1)) / (await secondsOn(2))).toBeCloseTo(2, 1);
});

test('no GPU fits whose machines cannot run the trainer’s image', async () => {
  const { plan } = await startPlanning();
  const gpuResourceIds = ['AMD Instinct MI300X OAM', 'NVIDIA H200'];
  const { options } = await plan({ placement: { gpuResourceIds } });
  expect(options.map(({ gpuResource, fits }) => [gpuResource.id, fits])).toEqual([
    ['AMD Instinct MI300X OAM', false],
    ['NVIDIA H200', true],
  ]);
});
