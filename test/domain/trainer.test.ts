import { expect, test } from 'vitest';
import type { BackendRequest } from '../../src/domain/training/backends.ts';
import { readPlacement } from '../../src/domain/training/placement.ts';
import { createTrainer } from '../../src/domain/training/trainer.ts';
import { readTrainingSpec } from '../../src/domain/training/training-spec.ts';

function requestOf(spec: object = {}, placement: object = {}): BackendRequest {
  const read = readTrainingSpec({
    baseModel: 'meta-llama/Llama-3.2-1B',
    algorithm: 'LORA',
    quantization: 'NONE',
    backend: 'AUTO',
    dataset: { huggingFace: { name: 'tatsu-lab/alpaca', split: 'train' } },
    ...spec,
  });
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.errors));
  const { value } = readPlacement({ gpuCount: 1, cloud: 'SECURE', spot: false, ...placement });
  if (value === null) throw new Error('no placement');
  return { spec: read.spec, placement: value };
}

const source = () => 'print("trainer")';
const gpu = createTrainer('gpu', source);

test.each([
  ['LORA', 1, 'AUTO', 'unsloth'],
  ['QLORA', 1, 'AUTO', 'unsloth'],
  ['LORA', 2, 'AUTO', 'trl'],
  ['PISSA', 1, 'AUTO', 'trl'],
  ['LORA', 1, 'TRL', 'trl'],
  ['LORA', 1, 'UNSLOTH', 'unsloth'],
])(
  '%s on %d GPUs by %s is trained by %s, with its requirements',
  (algorithm, gpuCount, by, name) => {
    const request = requestOf({ algorithm, backend: by }, { gpuCount });
    expect(gpu.programOf(request)).toMatchObject({ backend: name, requirements: name });
    expect(gpu.programOf(request).image).toMatch(
      /^runpod\/pytorch:[\d.]+-cu\d+-torch\d+-ubuntu\d+$/,
    );
    expect(gpu.unsupported(request)).toBeNull();
  },
);

test('the image of the placement is kept', () => {
  const image = 'example/own:1';
  expect(gpu.programOf(requestOf({}, { image })).image).toBe(image);
});

test('Unsloth by name on several GPUs is refused with what to change', () => {
  const refusal = gpu.unsupported(requestOf({ backend: 'UNSLOTH' }, { gpuCount: 2 }));
  expect(refusal).toMatchObject({ code: 'UNSUPPORTED', path: ['placement', 'gpuCount'] });
  expect(refusal?.message).toMatch(/use TRL or AUTO, or set gpuCount to 1/);
});

test('models whose layers have other names than Llama’s are TRL’s', () => {
  const spec = { baseModel: 'microsoft/Phi-4-mini-instruct' };
  expect(gpu.programOf(requestOf(spec)).backend).toBe('trl');
  const refusal = gpu.unsupported(requestOf({ ...spec, backend: 'UNSLOTH' }));
  expect(refusal?.message).toMatch(/use TRL or AUTO, or name layers in targetModules/);
  const named = { ...spec, targetModules: ['qkv_proj'], backend: 'UNSLOTH' };
  expect(gpu.unsupported(requestOf(named))).toBeNull();
});

test('the emulator’s toy trains uploads alone, its CPU trainer everything but Unsloth', () => {
  const toy = createTrainer('toy', source);
  const cpu = createTrainer('cpu', source);
  expect(toy.unsupported(requestOf())).toMatchObject({ path: ['spec', 'dataset'] });
  expect(toy.unsupported(requestOf({ dataset: { uploadId: 'u1' } }))).toBeNull();
  expect(toy.programOf(requestOf())).toMatchObject({ backend: 'toy', requirements: null });
  expect(cpu.unsupported(requestOf())).toBeNull();
  expect(cpu.unsupported(requestOf({ backend: 'UNSLOTH' }))).toMatchObject({ code: 'UNSUPPORTED' });
  // What is installed there is not installed again.
  expect(cpu.programOf(requestOf())).toMatchObject({ backend: 'trl', requirements: null });
});

test('the script says what runs: requirements, configuration, program', () => {
  const script = gpu.script(requestOf());
  expect(script).toMatch(/^# pip install -r requirements-unsloth\.txt\n/);
  expect(script).toContain('#   "backend": "unsloth"');
  expect(script).toMatch(/print\("trainer"\)$/);
});
