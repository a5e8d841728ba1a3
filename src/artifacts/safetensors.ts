/**
 * Whether a file is a sound safetensors file, by its header alone: 8 bytes of header length, JSON,
 * then the data, which the tensors fill without overlap or hole.
 *
 * Source: github.com/huggingface/safetensors, README "Format" and `Metadata::validate`.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/**
 * The format allows 100 MB. An adapter's header is well below 1 MB, and parsing holds up everybody
 * else: 16 MiB is more than 100,000 tensors.
 */
const MAX_HEADER_BYTES = 16 * 1024 * 1024;
const LENGTH_BYTES = 8;

const BITS_OF_DTYPE: ReadonlyMap<string, number> = new Map([
  ['F4', 4],
  ['F6_E2M3', 6],
  ['F6_E3M2', 6],
  ...['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E8M0'].map((dtype) => [dtype, 8] as const),
  ...['I16', 'U16', 'F16', 'BF16'].map((dtype) => [dtype, 16] as const),
  ...['I32', 'U32', 'F32'].map((dtype) => [dtype, 32] as const),
  ...['I64', 'U64', 'F64', 'C64'].map((dtype) => [dtype, 64] as const),
]);

interface Tensor {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** Null: it is sound. Otherwise what is wrong with it, in words for people. */
export async function checkSafetensors(path: string): Promise<string | null> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (size < LENGTH_BYTES) return 'it is too short for a header';
    const length = Number((await readBytes(file, 0, LENGTH_BYTES)).readBigUInt64LE());
    if (length > size - LENGTH_BYTES) return 'its header is longer than the file';
    if (length > MAX_HEADER_BYTES) return 'its header is too long';
    const header = parseHeader(await readBytes(file, LENGTH_BYTES, length));
    return header === null
      ? 'its header is not a JSON object'
      : headerFault(header, size - LENGTH_BYTES - length);
  } finally {
    await file.close();
  }
}

async function readBytes(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes;
}

function parseHeader(bytes: Buffer): Readonly<Record<string, unknown>> | null {
  // The format's own rule; it also keeps whitespace and byte order marks out.
  if (bytes[0] !== 0x7b) return null;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return null;
  }
}

function headerFault(header: Readonly<Record<string, unknown>>, dataBytes: number): string | null {
  const tensors: Tensor[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') {
      if (!isTextMap(value)) return 'its metadata is not a map of texts';
      continue;
    }
    const tensor = readTensor(name, value);
    if (typeof tensor === 'string')
      return `its tensor ${JSON.stringify(name.slice(0, 100))} ${tensor}`;
    tensors.push(tensor);
  }
  return layoutFault(tensors, dataBytes);
}

/** By hand: a schema library would keep one object for each of millions of faults. */
function isTextMap(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((count) => Number.isSafeInteger(count) && count >= 0);
}

/** A text is what is wrong with it. */
function readTensor(name: string, value: unknown): Tensor | string {
  const { dtype, shape, data_offsets: offsets, ...rest } = isObject(value) ? value : {};
  if (typeof dtype !== 'string') return 'has no dtype';
  if (!areCounts(shape)) return 'has no shape';
  const [begin, end, ...more] = areCounts(offsets) ? offsets : [];
  if (begin === undefined || end === undefined || more.length > 0) return 'has no data_offsets';
  if (Object.keys(rest).length > 0) return 'has more than the format knows';
  const bitsEach = BITS_OF_DTYPE.get(dtype);
  if (bitsEach === undefined) return 'has a dtype that is not known';
  if (begin > end) return 'ends before it begins';
  const bits = shape.reduce((product, side) => product * side, bitsEach);
  if (!Number.isSafeInteger(bits) || bits !== (end - begin) * 8) {
    return 'has another size than its shape and dtype say';
  }
  return { name, begin, end };
}

/**
 * Each begins where the one before it ends, and the last ends with the file. A name that is twice
 * in the JSON hides its first tensor, which then is a hole.
 */
function layoutFault(tensors: readonly Tensor[], dataBytes: number): string | null {
  const inOrder = tensors.toSorted((a, b) => a.begin - b.begin || a.end - b.end);
  let filled = 0;
  for (const { begin, end } of inOrder) {
    if (begin < filled) return 'two of its tensors overlap';
    if (begin > filled) return 'its data has a hole';
    filled = end;
  }
  if (filled > dataBytes) return 'its tensors go beyond its end';
  return filled < dataBytes ? 'its data goes on after the last tensor' : null;
}
