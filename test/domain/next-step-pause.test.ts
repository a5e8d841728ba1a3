/** The next step of a job that is to pause, or was. */
import { describe, expect, test } from 'vitest';
import { JOB_STATUSES, hasEnded } from '../../src/domain/job/job.ts';
import { msUntilLimit } from '../../src/domain/job/next-step.ts';
import { makeFailure } from '../../src/domain/training/failure.ts';
import { GONE, INTENDED, NOW, POLICY, situation, speaks, step, UNKNOWN } from './situation.ts';

const ACTIVE = JOB_STATUSES.filter((status) => !hasEnded(status));

describe('a pause that is wished', () => {
  const wished = { pauseRequestedAt: NOW };
  const stopping = { stoppingSince: NOW - 1_000 };
  const late = { stoppingSince: NOW - 60_000 };
  const stopped = speaks('FAILED', { isStopped: true, isEnvironmental: true, exitCode: 20 });
  const crashed = speaks('FAILED', { failure: makeFailure('TRAINER_CRASHED'), exitCode: 1 });
  const left = { isCheckpointLeft: true };
  const paused = { kind: 'end', then: 'pause', outcome: 'PAUSED', failure: null };

  test.each([
    ['a job without a pod', 'PENDING', {}, paused],
    ['one whose last pod is still there', 'PENDING', { isPodLeft: true }, paused],
    ['a launch that nobody knows of', 'PROVISIONING', { launch: INTENDED, pod: UNKNOWN }, paused],
    ['a pod that boots', 'PROVISIONING', {}, paused],
    ['a pod that nobody can tell of', 'PREPARING', { pod: UNKNOWN }, paused],
    ['a pod that prepares', 'PREPARING', { agent: speaks('PREPARING') }, paused],
    ['a trainer that has just begun', 'PREPARING', { agent: speaks('RUNNING') }, { kind: 'stop' }],
    ['a trainer', 'RUNNING', { agent: speaks('RUNNING') }, { kind: 'stop' }],
    [
      'a trainer that was told',
      'RUNNING',
      { agent: speaks('RUNNING'), ...stopping },
      { kind: 'stop' },
    ],
    [
      'one that does not end',
      'RUNNING',
      { agent: speaks('RUNNING'), ...late },
      { ...paused, lastCheckpoint: 'not written' },
    ],
    ['a silent one', 'RUNNING', {}, { kind: 'stop' }],
    ['one that stays silent', 'RUNNING', late, { ...paused, lastCheckpoint: 'not stored' }],
    [
      'one whose last lines are to come',
      'RUNNING',
      { agent: { ...stopped, isLogStored: false }, ...stopping },
      { kind: 'wait', status: 'RUNNING' },
    ],
    [
      'one that left a checkpoint',
      'RUNNING',
      { agent: stopped, ...stopping, ...left },
      { kind: 'save' },
    ],
    [
      'one that ended by itself and left a checkpoint',
      'RUNNING',
      { agent: stopped, ...left },
      { kind: 'stop' },
    ],
    [
      'one that cannot hand it over',
      'RUNNING',
      { agent: stopped, ...late, ...left },
      { ...paused, lastCheckpoint: 'not stored' },
    ],
    [
      'one that was killed after its grace',
      'RUNNING',
      { agent: { ...stopped, exitCode: -9 }, ...stopping },
      { ...paused, exitCode: -9, lastCheckpoint: 'not written' },
    ],
    [
      'one that crashed over it',
      'RUNNING',
      { agent: crashed, ...stopping },
      { ...paused, exitCode: 1, lastCheckpoint: 'not written' },
    ],
    [
      'one that crashed over it, and has an older checkpoint that is not stored yet',
      'RUNNING',
      { agent: crashed, ...stopping, ...left },
      { kind: 'save' },
    ],
    [
      'one that succeeded first',
      'RUNNING',
      { agent: speaks('SUCCEEDED'), ...stopping },
      { kind: 'wait', status: 'COLLECTING' },
    ],
    [
      'results that are being fetched',
      'COLLECTING',
      { agent: speaks('SUCCEEDED') },
      { kind: 'collect' },
    ],
    ['a job that is paused', 'PAUSED', {}, { kind: 'idle' }],
  ] as const)('leads %s (%s) on', (_what, status, seen, expected) => {
    expect(step(status, seen, wished)).toMatchObject(expected);
  });

  test('is whole when the checkpoint of the stopped trainer is stored', () => {
    const decision = step('RUNNING', { agent: stopped, ...stopping }, wished);
    expect(decision).toEqual({ ...paused, exitCode: 20 });
  });

  test.each(['OUT_OF_MEMORY', 'DATASET_INVALID', 'DISK_FULL'] as const)(
    'does not make good what failed by itself (%s)',
    (code) => {
      const failure = makeFailure(code);
      const agent = speaks('FAILED', { failure, exitCode: 10 });
      expect(step('RUNNING', { agent, ...stopping }, wished)).toMatchObject({
        then: 'fail',
        failure,
      });
    },
  );

  test('nor a crash that came before the trainer was told to stop', () => {
    expect(step('RUNNING', { agent: crashed }, wished)).toMatchObject({ then: 'fail' });
  });

  test.each(['PREPARING', 'RUNNING', 'COLLECTING'] as const)(
    'is there, and no attempt used up, when the pod is lost (%s)',
    (status) => {
      const job = { ...wished, attempt: 3 };
      expect(step(status, { pod: GONE }, job)).toMatchObject({ then: 'pause', outcome: 'LOST' });
      const agent = speaks('WAITING', { bootId: 'other' });
      expect(step(status, { agent }, job)).toMatchObject({ then: 'pause', outcome: 'LOST' });
    },
  );

  test('and taken back once the trainer was told to stop ends its attempt all the same', () => {
    expect(step('RUNNING', { agent: speaks('RUNNING'), ...stopping })).toEqual({ kind: 'stop' });
    expect(step('RUNNING', { agent: stopped, ...stopping })).toMatchObject(paused);
  });

  test('is over when it is taken back', () => {
    expect(step('PAUSED')).toEqual({ kind: 'resume' });
  });

  test.each(ACTIVE)('gives way to a cancellation (%s)', (status) => {
    expect(step(status, stopping, { ...wished, cancelRequestedAt: NOW })).toMatchObject({
      then: 'cancel',
    });
  });
});

describe('a pause that is over', () => {
  test('counts for no limit of time', () => {
    const times = { startedAt: NOW - 3_600_000, pausedMs: 1 };
    expect(step('RUNNING', {}, times)).toMatchObject({ kind: 'wait' });
    expect(msUntilLimit(situation('COLLECTING', {}, times), 0, POLICY)).toBe(1);
  });
  test('and has used up no attempt', () => {
    const job = { attempt: 4, pauses: 2 };
    expect(step('RUNNING', { pod: GONE }, job)).toMatchObject({ then: 'retry' });
    expect(step('RUNNING', { pod: GONE }, { ...job, pauses: 1 })).toMatchObject({ then: 'fail' });
  });
});
