import { expect, test } from 'vitest';
import { checkManifest } from '../../src/artifacts/manifest.ts';
import type { AgentResult, ArtifactKind } from '../../src/datasources/pod-agent.ts';

const file = (path: string, change: Partial<AgentResult> = {}): AgentResult => ({
  path,
  sizeBytes: 1,
  sha256: 'a'.repeat(64),
  kind: 'OTHER',
  ...change,
});
const LIMITS = { maxBytes: 1_000 };

test('a list of ordinary files is taken as it is', () => {
  const files = ['a.bin', 'b/c.bin', 'b/d e.bin', 'ü.bin', '.hidden', 'a..b', '日本/x'].map(
    (path) => file(path),
  );
  expect(checkManifest(files, LIMITS)).toEqual({ kind: 'valid', files, totalBytes: 7 });
});

test.each([
  '',
  '.',
  '..',
  '/etc/passwd',
  '../x',
  'a/../../x',
  'a/./b',
  'a//b',
  'a/',
  String.raw`a\b`,
  String.raw`..\x`,
  'a\u0000b',
  'a\nb',
  'a\u001b[2J',
  'a\u2028b',
  'a\u202egpj.exe',
  'u\u0308.bin',
  '\ud800',
  'x'.repeat(256),
  'ä'.repeat(128),
  Array.from({ length: 300 }, () => 'abc').join('/'),
])('a path like %j is refused', (path) => {
  expect(checkManifest([file(path)], LIMITS)).toMatchObject({ kind: 'invalid' });
});

test.each<[string, Partial<AgentResult>]>([
  ['a size below 0', { sizeBytes: -1 }],
  ['half a byte', { sizeBytes: 0.5 }],
  ['a size that is no number', { sizeBytes: Number.NaN }],
  ['a size beyond all numbers', { sizeBytes: 2 ** 53 }],
  ['more bytes than allowed', { sizeBytes: 1_001 }],
  ['a sha256 that is too short', { sha256: 'ab' }],
  ['a sha256 in capitals', { sha256: 'A'.repeat(64) }],
])('a file with %s is refused', (_what, change) => {
  expect(checkManifest([file('a', change)], LIMITS)).toMatchObject({ kind: 'invalid' });
});

test.each([
  [['a', 'a']],
  [['Model.bin', 'model.bin']],
  [['a', 'a/b']],
  [['a/b', 'A']],
  [['a/b/c', 'A/B']],
])('%j are refused: they cannot be there together everywhere', (paths) => {
  const files = paths.map((path) => file(path));
  expect(checkManifest(files, LIMITS)).toMatchObject({ kind: 'invalid' });
});

test('more files than allowed, and more bytes together, are refused', () => {
  const many = Array.from({ length: 10_001 }, (_, index) => file(String(index), { sizeBytes: 0 }));
  expect(checkManifest(many, LIMITS)).toMatchObject({ kind: 'invalid' });
  const large = ['a', 'b'].map((path) => file(path, { sizeBytes: 600 }));
  expect(checkManifest(large, LIMITS)).toMatchObject({ kind: 'invalid' });
});

test.each<[string, ArtifactKind, ArtifactKind]>([
  ['adapter_model.safetensors', 'LOG', 'ADAPTER'],
  ['adapter_config.json', 'ADAPTER', 'CONFIG'],
  ['tokenizer.json', 'CONFIG', 'TOKENIZER'],
  ['checkpoints/checkpoint-1/a.safetensors', 'ADAPTER', 'CHECKPOINT'],
  ['train.log', 'OTHER', 'LOG'],
  ['sentencepiece.bpe.model', 'TOKENIZER', 'TOKENIZER'],
  ['adapter.bin', 'ADAPTER', 'ADAPTER'],
  ['notes.txt', 'ADAPTER', 'OTHER'],
  ['x.bin', 'CHECKPOINT', 'OTHER'],
])('%s, called %s by the agent, is %s', (path, kind, expected) => {
  const checked = checkManifest([file(path, { kind })], LIMITS);
  expect(checked).toMatchObject({ kind: 'valid', files: [{ kind: expected }] });
});
