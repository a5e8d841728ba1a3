import { describe, expect, test } from 'vitest';
import { JOB_STATUSES } from '../../src/domain/job/job.ts';
import { msUntilLimit } from '../../src/domain/job/next-step.ts';
import type { AgentSeen } from '../../src/domain/job/next-step.ts';
import { makeFailure } from '../../src/domain/training/failure.ts';
import {
  GONE,
  HERE,
  INTENDED,
  LIVE,
  NOW,
  POLICY,
  situation,
  speaks,
  step,
  UNKNOWN,
} from './situation.ts';

const ACTIVE = JOB_STATUSES.filter(
  (status) => !['COMPLETED', 'FAILED', 'CANCELLED'].includes(status),
);
const UNPAUSED = ACTIVE.filter((status) => status !== 'PAUSED');
const WITH_POD = ['PROVISIONING', 'PREPARING', 'RUNNING', 'COLLECTING'] as const;

describe('whatever a job is doing', () => {
  test.each(['COMPLETED', 'FAILED', 'CANCELLED'] as const)('%s is the end', (status) => {
    expect(step(status, {}, { cancelRequestedAt: NOW }).kind).toBe('rest');
  });

  test.each(ACTIVE)('%s is cancelled when that is wished, before anything else', (status) => {
    const seen = { usdSoFar: 99, pod: GONE };
    expect(step(status, seen, { cancelRequestedAt: NOW })).toMatchObject({
      kind: 'end',
      then: 'cancel',
      outcome: 'CANCELLED',
    });
  });

  test.each(UNPAUSED)('%s ends at its limits of time and money', (status) => {
    expect(step(status, { usdSoFar: 10 })).toMatchObject({
      then: 'fail',
      failure: { code: 'BUDGET_EXHAUSTED' },
    });
    expect(step(status, {}, { startedAt: NOW - 3_600_000 })).toMatchObject({
      then: 'fail',
      failure: { code: 'RUNTIME_LIMIT' },
    });
  });

  test.each(UNPAUSED)('%s does not end for what is unknown', (status) => {
    const decision = step(status, { pod: UNKNOWN, agent: { kind: 'silent' } });
    expect(['wait', 'rent']).toContain(decision.kind);
  });
});

describe('a job without a pod', () => {
  test('rents', () => {
    expect(step('PENDING')).toEqual({ kind: 'rent' });
  });
  test('waits until the last pod is seen to be gone', () => {
    expect(step('PENDING', { isPodLeft: true })).toMatchObject({ kind: 'wait', status: 'PENDING' });
  });
  test('that nobody looked at for long is not given up unseen', () => {
    expect(step('PENDING', {}, { statusSince: 0 })).toEqual({ kind: 'rent' });
  });
  test('gives up after its time for capacity', () => {
    expect(step('PENDING', {}, { capacitySince: NOW - 60_000 })).toMatchObject({
      then: 'fail',
      failure: { code: 'NO_CAPACITY' },
    });
  });
});

describe('an intended launch', () => {
  test('is adopted when a pod of its name is listed', () => {
    expect(step('PROVISIONING', { launch: INTENDED })).toEqual({ kind: 'adopt' });
  });
  test.each([
    ['unknown', UNKNOWN, NOW],
    ['absent, but not for long enough', GONE, NOW + 1],
  ] as const)('waits while its pod is %s', (_what, pod, unsureUntil) => {
    const launch = { ...INTENDED, unsureUntil };
    expect(step('PROVISIONING', { launch, pod })).toMatchObject({ kind: 'wait' });
  });
  test('fails when nobody can tell for too long whether there is a pod', () => {
    const launch = { ...INTENDED, unsureUntil: NOW - 60_000 };
    expect(step('PROVISIONING', { launch, pod: UNKNOWN })).toMatchObject({
      then: 'fail',
      failure: { code: 'PLATFORM_UNAVAILABLE' },
    });
  });
  test('is given up once its call can have no effect any more', () => {
    const launch = { ...INTENDED, unsureUntil: NOW };
    expect(step('PROVISIONING', { launch, pod: GONE })).toEqual({ kind: 'abandon' });
  });
});

describe('a pod', () => {
  test.each(WITH_POD)('that is gone while %s means another attempt', (status) => {
    expect(step(status, { pod: GONE })).toMatchObject({ then: 'retry', outcome: 'LOST' });
  });
  test.each(WITH_POD)('that was a spot pod and ended while %s was reclaimed', (status) => {
    const launch = { ...LIVE, spot: true };
    const pod = { ...HERE, hasEnded: true };
    expect(step(status, { launch, pod })).toMatchObject({ then: 'retry', outcome: 'RECLAIMED' });
  });
  test.each(WITH_POD)('that was lost in the last attempt ends the job (%s)', (status) => {
    expect(step(status, { pod: GONE }, { attempt: 3 })).toMatchObject({
      then: 'fail',
      failure: { code: 'POD_LOST' },
    });
  });
  test.each([
    ['too few times', { kind: 'absent', since: NOW - 60_000, times: 2 }],
    ['not for long enough', { kind: 'absent', since: NOW - 19_999, times: 9 }],
  ] as const)('that is missing %s is waited for', (_what, pod) => {
    expect(step('RUNNING', { pod })).toMatchObject({ kind: 'wait', status: 'RUNNING' });
  });
});

describe('an agent', () => {
  test.each([
    ['PROVISIONING', 'WAITING', { kind: 'deliver' }],
    ['PROVISIONING', 'RUNNING', { kind: 'deliver' }],
    ['PREPARING', 'WAITING', { kind: 'deliver' }],
    ['PREPARING', 'PREPARING', { kind: 'wait', status: 'PREPARING' }],
    ['PREPARING', 'RUNNING', { kind: 'wait', status: 'RUNNING' }],
    ['RUNNING', 'RUNNING', { kind: 'wait', status: 'RUNNING' }],
    ['RUNNING', 'SUCCEEDED', { kind: 'wait', status: 'COLLECTING' }],
    ['COLLECTING', 'SUCCEEDED', { kind: 'collect' }],
  ] as const)('of a job that is %s and says %s leads on', (status, phase, expected) => {
    expect(step(status, { agent: speaks(phase) })).toMatchObject(expected);
  });

  test.each(['SUCCEEDED', 'FAILED'] as const)('that %s is read to its last line first', (phase) => {
    const agent = speaks(phase, { isLogStored: false });
    expect(step('RUNNING', { agent })).toMatchObject({ kind: 'wait', status: 'RUNNING' });
  });

  test.each(['PREPARING', 'RUNNING', 'COLLECTING'] as const)(
    'that booted anew while %s has lost the attempt',
    (status) => {
      const agent = speaks('WAITING', { bootId: 'other' });
      expect(step(status, { agent })).toMatchObject({ then: 'retry', outcome: 'LOST' });
    },
  );

  test('that failed for what was asked ends the job, with its exit code', () => {
    const failure = makeFailure('DATASET_INVALID', 'row 3');
    const agent = speaks('FAILED', { failure, exitCode: 10 });
    expect(step('RUNNING', { agent })).toMatchObject({ then: 'fail', failure, exitCode: 10 });
  });

  test('that failed for its surroundings gets another pod', () => {
    const failure = makeFailure('CUDA_MISMATCH');
    const agent = speaks('FAILED', { failure, isEnvironmental: true, exitCode: 15 });
    expect(step('RUNNING', { agent })).toMatchObject({ then: 'retry', outcome: 'FAILED' });
  });

  test('that never speaks costs the attempt', () => {
    const launch = { ...LIVE, liveAt: NOW - 60_000 };
    expect(step('PROVISIONING', { launch })).toMatchObject({
      then: 'retry',
      failure: { code: 'STARTUP_TIMEOUT' },
    });
    expect(step('PREPARING', {}, { statusSince: NOW - 60_000 })).toMatchObject({
      then: 'retry',
      failure: { code: 'STARTUP_TIMEOUT' },
    });
  });

  test('that is silent while it trains is waited for', () => {
    expect(step('RUNNING', {}, { statusSince: 0 })).toMatchObject({ kind: 'wait' });
  });
});

test.each([
  ['PREPARING', null, 59_000],
  ['COLLECTING', NOW - 50_000, 59_000],
  ['RUNNING', NOW - 50_000, 10_000],
] as const)(
  'a transfer of a job that is %s has until its own deadline',
  (status, since, expected) => {
    expect(msUntilLimit(situation(status, { stoppingSince: since }), 0, POLICY)).toBe(expected);
  },
);

test('every combination has an answer', () => {
  const pods = [UNKNOWN, HERE, GONE, { ...HERE, hasEnded: true }];
  const phases = ['WAITING', 'PREPARING', 'RUNNING', 'SUCCEEDED', 'FAILED'] as const;
  const agents: AgentSeen[] = [
    { kind: 'unasked' },
    { kind: 'silent' },
    ...phases.flatMap((phase) => [speaks(phase), speaks(phase, { bootId: 'other' })]),
  ];
  let seen = 0;
  for (const status of JOB_STATUSES)
    for (const launch of [null, INTENDED, LIVE])
      for (const pod of pods)
        for (const agent of agents)
          for (const isPodLeft of [true, false])
            for (const pauseRequestedAt of [null, NOW]) {
              const decision = step(
                status,
                { launch, pod, agent, isPodLeft },
                { pauseRequestedAt },
              );
              // A pod is only ever rented where none may be left, and none is to rest.
              const mayRent = status === 'PENDING' && !isPodLeft && pauseRequestedAt === null;
              if (decision.kind === 'rent') expect(mayRent).toBe(true);
              seen += 1;
            }
  expect(seen).toBe(9 * 3 * 4 * 12 * 2 * 2);
});
