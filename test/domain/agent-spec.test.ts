import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  AGENT_FAILURE_CODES,
  failureOfAgent,
  isEnvironmental,
  toAgentSpec,
} from '../../src/domain/training/agent-spec.ts';
import { FAILURE_CODES, makeFailure } from '../../src/domain/training/failure.ts';
import { readTrainingSpec } from '../../src/domain/training/training-spec.ts';

function specOf(dataset: object) {
  const result = readTrainingSpec({
    baseModel: 'meta-llama/Llama-3.2-1B',
    algorithm: 'LORA',
    quantization: 'NONE',
    backend: 'AUTO',
    dataset,
    maxSteps: 10,
  });
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.errors));
  return result.spec;
}

test('the trainer gets every figure of the spec, its backend and the uploaded file', () => {
  const spec = toAgentSpec(specOf({ uploadId: 'u1' }), {
    backend: 'toy',
    datasetFile: 'rows.jsonl',
  });
  expect(spec).toMatchObject({
    backend: 'toy',
    baseModel: 'meta-llama/Llama-3.2-1B',
    algorithm: 'LORA',
    dataset: { file: 'rows.jsonl' },
    rank: 16,
    alpha: 32,
    maxSteps: 10,
    epochs: null,
    seed: 42,
  });
  expect(spec).not.toHaveProperty('resumeFrom');
});

test('a dataset that was not uploaded is named by where it is', () => {
  const spec = specOf({ huggingFace: { name: 'tatsu-lab/alpaca', split: 'train' } });
  const options = { backend: 'trl', datasetFile: null, resumeFrom: 'checkpoints/checkpoint-5' };
  expect(toAgentSpec(spec, options)).toMatchObject({
    dataset: { huggingFace: { name: 'tatsu-lab/alpaca', split: 'train' } },
    resumeFrom: 'checkpoints/checkpoint-5',
  });
});

test('every failure that the protocol and the agent know has a code of ours', () => {
  const protocol = readFileSync('agent/PROTOCOL.md', 'utf8');
  const section = protocol.slice(protocol.indexOf('7.3 '), protocol.indexOf('7.4 '));
  const named = new Set(section.match(/\b[A-Z]+(_[A-Z]+)+\b|\bSTOPPED\b|\bINTERNAL\b/g));
  expect([...named].toSorted()).toEqual(AGENT_FAILURE_CODES.toSorted());
  for (const code of AGENT_FAILURE_CODES) {
    const failure = failureOfAgent({ code, message: 'said so' }, 1);
    expect(failure.message).toBe('said so');
    expect(FAILURE_CODES).toContain(failure.code);
  }
});

test.each([
  ['SPEC_INVALID', 'INTERNAL', false],
  ['BACKEND_UNKNOWN', 'INTERNAL', false],
  ['REQUIREMENTS_FAILED', 'STARTUP_TIMEOUT', true],
  ['STOPPED', 'POD_LOST', true],
  ['MODEL_GATED', 'MODEL_GATED', false],
  ['MODEL_UNSUPPORTED', 'MODEL_UNSUPPORTED', false],
  ['TRAINING_DIVERGED', 'TRAINING_DIVERGED', false],
  ['toString', 'TRAINER_CRASHED', false],
])('a trainer that says %s has failed with %s', (said, code, retryable) => {
  expect(failureOfAgent({ code: said, message: 'x' }, null)).toMatchObject({ code, retryable });
});

test('without a word of the agent the exit code tells', () => {
  expect(failureOfAgent(null, 13).code).toBe('OUT_OF_MEMORY');
  expect(failureOfAgent(null, 139)).toMatchObject({
    code: 'TRAINER_CRASHED',
    message: 'The trainer ended with exit code 139 (TRAINER_CRASHED).',
  });
  expect(failureOfAgent(null, null).code).toBe('TRAINER_CRASHED');
});

test("a trainer's words are cleaned and bounded, and none are replaced", () => {
  const tell = (message: string) => failureOfAgent({ code: 'DISK_FULL', message }, 14).message;
  expect(tell('a\u001b[2J\nb')).toBe('a [2J b');
  expect(tell('x'.repeat(9_999))).toHaveLength(2_000);
  expect(tell(' \n ')).toBe("The pod's disk is full.");
});

test("every code of the schema's enum has a message and two or three suggestions", () => {
  for (const code of FAILURE_CODES) {
    const { message, suggestions } = makeFailure(code);
    expect(message).toMatch(/\.$/);
    expect(suggestions.length, code).toBeGreaterThanOrEqual(2);
    expect(suggestions.length, code).toBeLessThanOrEqual(3);
  }
  expect(FAILURE_CODES).toHaveLength(23);
});

test('a pod that did not come up, or that is as good as gone, is worth another one', () => {
  const ofThePod = AGENT_FAILURE_CODES.filter((code) => {
    const failure = failureOfAgent({ code, message: 'x' }, null);
    return failure.code === 'STARTUP_TIMEOUT' || failure.code === 'POD_LOST';
  });
  expect(ofThePod).toContain('TRAINING_STALLED');
  for (const code of ofThePod) expect([code, isEnvironmental({ code })]).toEqual([code, true]);
  for (const code of ['OUT_OF_MEMORY', 'SPEC_INVALID', 'TRAINER_CRASHED']) {
    expect(isEnvironmental({ code })).toBe(false);
  }
  expect(isEnvironmental(null)).toBe(false);
});
