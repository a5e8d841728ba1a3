import { describe, expect, test } from 'vitest';
import {
  checkpointFault,
  chooseCheckpoint,
  newestStep,
  readCheckpointPath,
  staleCheckpoints,
} from '../../src/domain/job/checkpoint.ts';

describe('a path in a list of results', () => {
  test.each([
    ['checkpoints/checkpoint-20/COMPLETE', { step: 20, path: 'COMPLETE' }],
    ['checkpoints/checkpoint-7/a/b.bin', { step: 7, path: 'a/b.bin' }],
    ['checkpoints/checkpoint-20.part/COMPLETE', null],
    ['checkpoints/checkpoint-20', null],
    ['checkpoints/checkpoint-20/.hidden', null],
    ['checkpoints/checkpoint-x/COMPLETE', null],
    ['other/checkpoint-20/COMPLETE', null],
    ['adapter_model.safetensors', null],
  ])('%s is read as %j', (path, expected) => {
    expect(readCheckpointPath(path)).toEqual(expected);
  });

  test('counts as a checkpoint only with its marker, and only behind what is known', () => {
    const files = ['checkpoint-10/COMPLETE', 'checkpoint-20/COMPLETE', 'checkpoint-30/x'].map(
      (path) => ({ path: `checkpoints/${path}` }),
    );
    expect(newestStep(files, 0)).toBe(20);
    expect(newestStep(files, 20)).toBeNull();
    expect(newestStep([], 0)).toBeNull();
  });

  test.each([
    ['the newest, where none was begun', { begunStep: null }, { kind: 'fetch', step: 40 }],
    ['the one that was begun, while it trains', { begunStep: 20 }, { kind: 'fetch', step: 20 }],
    ['one that was begun and is gone', { begunStep: 10 }, { kind: 'pruned', step: 10 }],
    ['the newest, once it is over', { begunStep: 20, isFinal: true }, { kind: 'fetch', step: 40 }],
    [
      'the newest, where what was begun is stored by somebody else',
      { begunStep: 20, savedStep: 30 },
      { kind: 'fetch', step: 40 },
    ],
    ['nothing that is stored', { begunStep: null, savedStep: 40 }, { kind: 'none' }],
  ] as const)('is chosen to be fetched: %s', (_title, more, chosen) => {
    const files = [20, 40].map((step) => ({ path: `checkpoints/checkpoint-${step}/COMPLETE` }));
    expect(chooseCheckpoint({ isFinal: false, files, savedStep: 0, ...more })).toEqual(chosen);
  });
});

describe('what may go', () => {
  const places = (...pairs: readonly (readonly [attempt: number, step: number])[]) =>
    pairs.map(([attempt, step]) => ({ attempt, step }));

  test.each([
    ['nothing, within the budget', 2, places([1, 10], [1, 20]), []],
    ['the oldest', 2, places([1, 10], [1, 30], [1, 20]), places([1, 10])],
    ['those of earlier attempts first', 2, places([1, 20], [1, 40], [2, 60]), places([1, 20])],
    [
      'all that a later attempt comes by again, whatever the budget',
      5,
      places([1, 10], [1, 40], [2, 20]),
      places([1, 40]),
    ],
    [
      'the lower steps of an attempt that was begun anew stay the newest',
      1,
      places([1, 10], [2, 20]),
      places([1, 10]),
    ],
  ])('%s', (_what, keep, checkpoints, expected) => {
    expect(staleCheckpoints(checkpoints, keep)).toEqual(expected);
  });
});

describe('a checkpoint', () => {
  const files = new Map([
    ['COMPLETE', 'c'],
    ['a', 'one'],
    ['b/c', 'two'],
  ]);
  test.each([
    ['whose marker names its files', '{"sha256": {"a": "one", "b/c": "two"}}', null],
    ['with a file that is missing', '{"sha256": {"d": "one"}}', '"d" is not there'],
    ['with another file', '{"sha256": {"a": "two"}}', '"a" is not what its marker says'],
    ['with a marker that says nothing', '{"step": 1}', 'its marker is none'],
    ['with a marker that is no JSON', 'done', 'its marker is none'],
    ['with a list', '{"sha256": ["a"]}', 'its marker is none'],
    ['with null', 'null', 'its marker is none'],
  ])('%s', (_what, marker, expected) => {
    expect(checkpointFault(marker, files)).toBe(expected);
  });
});
