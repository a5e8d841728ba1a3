import { expect, test } from 'vitest';
import type { PriceTable } from '../../src/domain/price.ts';
import { createCacheHint } from '../../src/http/cache-hints.ts';
import { startTestApp } from '../support/start-app.ts';

const PRICES = '{ gpuResources { id pricing { onDemandUsdPerHour } } }';
const ENTITIES =
  'query($r: [_Any!]!) { _entities(representations: $r) { ... on GpuResource { pricing { stock } } } }';
const TWO_ENTITIES =
  'query($a: _Any!, $b: _Any!) { _entities(representations: [$a, $b]) { __typename ... on GpuResource { pricing { stock } } } }';
const WRITTEN_ENTITY =
  '{ gpuResources { id } _entities(representations: { __typename: "TrainingJob", id: "x" }) { __typename } }';

function tableOf(observedAt: number, isStale = false): PriceTable {
  const offer = { gpuCount: 1, cloud: 'SECURE' } as const;
  return { offer, observedAt, isStale, spot: null, gpus: new Map() };
}

test('an answer of prices may be kept until the oldest of them is due, by all who may see it', () => {
  const hint = createCacheHint(30_000, () => 20_000);
  const everyone = { visibility: 'everyone' };
  expect(hint(everyone, [tableOf(20_000)])).toBe('max-age=30, public');
  expect(hint(everyone, [tableOf(20_000), tableOf(5_500)])).toBe('max-age=15, public');
  expect(hint({ visibility: 'tenant' }, [tableOf(20_000)])).toBe('max-age=30, private');
});

test('what is due, stale, or decided by more than prices is not kept', () => {
  const hint = createCacheHint(30_000, () => 100_000);
  const everyone = { visibility: 'everyone' };
  for (const tables of [[tableOf(70_500)], [tableOf(99_000, true)], [], undefined]) {
    expect(hint(everyone, tables)).toBe('no-store');
  }
});

test.each(['true', 'false'])(
  'answers say how long they may be kept (RESULT_REUSE=%s)',
  async (reuse) => {
    const { url } = await startTestApp({ RESULT_REUSE: reuse, PRICE_FRESH_SECONDS: '600' });
    const hintOf = async (query: string, variables?: object) => {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables }),
      });
      await response.arrayBuffer();
      return response.headers.get('cache-control');
    };
    const representations = (typename: string) => ({
      r: [{ __typename: typename, id: 'NVIDIA L4' }],
    });
    // The first comes the long way, the others the short one.
    for (let time = 0; time < 3; time += 1) {
      expect(await hintOf(PRICES)).toMatch(/^max-age=(5\d\d|600), public$/);
      expect(await hintOf(ENTITIES, representations('GpuResource'))).toMatch(
        /^max-age=\d+, public$/,
      );
      expect(await hintOf(ENTITIES, representations('TrainingJob'))).toBe('no-store');
      // One alone is a list of one, and lists may be made of variables.
      const [job] = representations('TrainingJob').r;
      expect(await hintOf(ENTITIES, { r: job })).toBe('no-store');
      expect(await hintOf(TWO_ENTITIES, { a: representations('GpuResource').r[0], b: job })).toBe(
        'no-store',
      );
      expect(await hintOf(WRITTEN_ENTITY)).toBe('no-store');
      expect(await hintOf('{ trainingJobs { nodes { id } } }')).toBe('no-store');
      expect(await hintOf('{ gpuResources { id } trainingJob(id: "x") { id } }')).toBe('no-store');
      expect(
        await hintOf(
          '{ gpuResource(id: "x") { pricing(gpuCount: 0) { stock } } gpuResources { pricing(gpuCount: 0) { stock } } }',
        ),
      ).toBe('no-store');
      expect(await hintOf('{ nothing }')).toBe('no-store');
      expect(await hintOf('{')).toBe('no-store');
      expect(await hintOf('mutation { cancelTrainingJob(id: "x") { userErrors { code } } }')).toBe(
        'no-store',
      );
    }
  },
);

test('prices that are asked for each time may not be kept', async () => {
  const { url, query } = await startTestApp({ PRICE_FRESH_SECONDS: '0' });
  await query(PRICES);
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: PRICES }),
  });
  expect(response.headers.get('cache-control')).toBe('no-store');
  expect(response.headers.get('vary')).toBe('Accept, Origin');
});
