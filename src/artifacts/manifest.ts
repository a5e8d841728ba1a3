/** Whether a pod's list of results can be believed as far as paths, sizes and kinds go. */
import type { AgentResult, ArtifactKind } from '../datasources/pod-agent.ts';

export interface ManifestLimits {
  /** Of all files together. */
  readonly maxBytes: number;
  /** 10,000 where omitted. */
  readonly maxFiles?: number;
}

export type ManifestCheck =
  | { readonly kind: 'valid'; readonly files: readonly AgentResult[]; readonly totalBytes: number }
  | { readonly kind: 'invalid'; readonly reason: string };

const MAX_FILES = 10_000;
/** With what comes before them they must still be keys of every artifact store. */
const MAX_PATH_BYTES = 800;
/** What file systems take as one name. */
const MAX_SEGMENT_BYTES = 200;
/** Controls, line breaks, and marks that make a name read as another. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;

/**
 * The files with our own view of their kind, in the pod's order: every path is safe below any
 * folder, none is another's folder, no two differ only in case.
 */
export function checkManifest(
  files: readonly AgentResult[],
  { maxBytes, maxFiles = MAX_FILES }: ManifestLimits,
): ManifestCheck {
  if (files.length > maxFiles) return invalid(`it lists ${files.length} files, of ${maxFiles}`);
  for (const file of files) {
    const fault = pathFault(file.path) ?? figureFault(file);
    if (fault !== null) return invalid(`${quoted(file.path)} ${fault}`);
  }
  const clash = clashOf(files.map(({ path }) => path));
  if (clash !== null) return invalid(`${quoted(clash)} is there twice, or as file and folder`);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // Each is a safe integer; a sum beyond them is beyond any limit too.
  if (totalBytes > maxBytes) return invalid(`its ${totalBytes} bytes are more than ${maxBytes}`);
  const checked = files.map((file) => ({ ...file, kind: kindOf(file) }));
  return { kind: 'valid', files: checked, totalBytes };
}

function pathFault(path: string): string | null {
  if (!path.isWellFormed()) return 'is not Unicode';
  if (UNPRINTABLE.test(path)) return 'has control characters';
  if (path.includes('\\')) return 'has a backslash';
  if (path.normalize('NFC') !== path) return 'is not in NFC';
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) return 'is too long';
  const segments = path.split('/');
  if (segments.some((segment) => ['', '.', '..'].includes(segment))) return 'leaves its folder';
  return segments.some((segment) => Buffer.byteLength(segment) > MAX_SEGMENT_BYTES)
    ? 'has too long a name'
    : null;
}

function figureFault({ sizeBytes, sha256 }: AgentResult): string | null {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return 'has no size';
  return /^[0-9a-f]{64}$/.test(sha256) ? null : 'has no sha256';
}

/** A path that is another's, or another's folder; some file systems do not tell cases apart. */
function clashOf(paths: readonly string[]): string | null {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const path of paths) {
    const key = path.toLowerCase();
    const above = foldersOf(key);
    if (files.has(key) || folders.has(key) || above.some((folder) => files.has(folder)))
      return path;
    files.add(key);
    for (const folder of above) folders.add(folder);
  }
  return null;
}

function foldersOf(path: string): readonly string[] {
  const segments = path.split('/').slice(0, -1);
  return segments.map((_segment, index) => segments.slice(0, index + 1).join('/'));
}

const TOKENIZER_NAME = /^(tokenizer|special_tokens_map|added_tokens|vocab|merges|chat_template)/;

/** Ours; where we have none, the agent's if the name does not speak against it. */
function kindOf({ path, kind }: AgentResult): ArtifactKind {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (path.startsWith('checkpoints/')) return 'CHECKPOINT';
  if (TOKENIZER_NAME.test(name)) return 'TOKENIZER';
  if (name.endsWith('.safetensors')) return 'ADAPTER';
  if (/\.(json|ya?ml)$/.test(name)) return 'CONFIG';
  if (/\.(log|jsonl)$/.test(name)) return 'LOG';
  return isPlausible(name, kind) ? kind : 'OTHER';
}

function isPlausible(name: string, kind: ArtifactKind): boolean {
  switch (kind) {
    case 'ADAPTER':
      return /\.(bin|pt|pth|gguf)$/.test(name);
    case 'TOKENIZER':
      return /\.(model|txt|jinja|tiktoken)$/.test(name);
    case 'CONFIG':
      return /\.(py|toml|ini|md)$/.test(name);
    case 'LOG':
      return /\.(txt|csv|out|err)$/.test(name);
    case 'CHECKPOINT':
    case 'OTHER':
      return false;
  }
}

/** A hostile name must not break the line it is told in. */
function quoted(path: string): string {
  const text = JSON.stringify(path.slice(0, 100));
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}]/gu, '?');
}

function invalid(what: string): ManifestCheck {
  return { kind: 'invalid', reason: `The pod's list of results is not to be trusted: ${what}.` };
}
