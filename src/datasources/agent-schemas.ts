/** The agent's answers, checked and in the owner's words. Unknown members are ignored. */
import { z } from 'zod';
import type { AgentLine, AgentLogPage, AgentManifest, AgentStatus } from './pod-agent.ts';
import { untrusted } from './agent-http.ts';

/** A line's bytes are at most this many, so its UTF-16 units are too. PROTOCOL.md §5.2. */
const MAX_LINE_LENGTH = 64 * 1024;
const MAX_PROSE_LENGTH = 2_000;
/** The last instant that a `Date` can hold. */
const MAX_INSTANT = 8.64e15;

/** PROTOCOL.md §5.6; of results, as many as are collected. */
const MAX_ITEMS = 10_000;

/** Counted first: each of a million wrong items would cost an issue of its own. */
const list = <T extends z.ZodType>(item: T) =>
  z.array(z.unknown()).max(MAX_ITEMS).pipe(z.array(item));

const MAX_GPUS = 64;
const MAX_SAMPLES = 100;
const MAX_FIGURE = 1e9;

const bootId = z.string().regex(/^[0-9a-f]{16}$/);
const count = z.int().nonnegative();
const phase = z.enum(['WAITING', 'PREPARING', 'RUNNING', 'SUCCEEDED', 'FAILED']);
const prose = z.string().transform((text) => text.slice(0, MAX_PROSE_LENGTH));
const failure = z.object({ code: z.string().max(64), message: prose }).nullable();
/** Out of the trainer's output: a figure that makes no sense is none. */
const step = count.nullable().catch(null);

/** What nvidia-smi does not tell, or tells as rubbish, is null. */
const figure = z.number().min(0).max(MAX_FIGURE).nullable().catch(null);

/** PROTOCOL.md §4.4; extras: without them the status is as good. */
const gpuSamples = z
  .array(
    z.object({
      at: z.int().min(0).max(MAX_INSTANT),
      gpus: z
        .array(
          z.object({
            index: z.int().min(0).max(MAX_GPUS),
            utilizationPercent: figure,
            memoryUsedMb: figure,
            memoryTotalMb: figure,
            temperatureC: figure,
          }),
        )
        .max(MAX_GPUS),
    }),
  )
  .max(MAX_SAMPLES)
  .catch([]);

/** As an operating system has them, and GraphQL's Int. */
const exitCode = z
  .int()
  .min(-(2 ** 31))
  .max(2 ** 31 - 1);

/** PROTOCOL.md §4.4. */
export const statusSchema: z.ZodType<AgentStatus> = z.object({
  protocol: z.literal(1),
  bootId,
  phase,
  step,
  totalSteps: step,
  startStep: step,
  checkpointStep: step,
  exitCode: exitCode.nullable(),
  failure,
  hasJob: z.boolean(),
  lastLine: count,
  logClosed: z.boolean(),
  droppedLines: count,
  restarted: z.boolean(),
  previousBoot: z
    .object({ bootId, phase, exitCode: exitCode.nullable(), failure, lastLine: count })
    .nullable(),
  ending: z.object({ reason: prose, refused: z.boolean() }).nullable(),
  gpuSamples,
});

/** PROTOCOL.md §3.3. */
export const fileStateSchema = z.object({
  sizeBytes: count,
  sha256: z.string(),
  received: count,
  complete: z.boolean(),
});
export type FileState = z.infer<typeof fileStateSchema>;

/** The answer to a command: that it is 2xx is all that counts. */
export const commandSchema = z.object({ bootId });

/** Only its shape: what it says of files is checked where they are collected. PROTOCOL.md §6.1. */
export const manifestSchema = z
  .object({
    bootId,
    final: z.boolean(),
    pending: count,
    files: list(
      z.object({
        path: z.string(),
        sizeBytes: z.number(),
        sha256: z.string(),
        kind: z
          .enum(['ADAPTER', 'CONFIG', 'TOKENIZER', 'CHECKPOINT', 'LOG', 'OTHER'])
          .catch('OTHER'),
      }),
    ),
  })
  .transform(({ final, ...rest }): AgentManifest => ({ ...rest, isFinal: final }));

const lineSchema = z.object({
  n: count,
  t: z.int().min(0).max(MAX_INSTANT),
  s: z.enum(['stdout', 'stderr', 'agent']),
  x: z.string().max(MAX_LINE_LENGTH),
  more: z.literal(true).optional(),
});

/** PROTOCOL.md §5.6. */
export const logPageSchema = z.object({
  bootId,
  after: count,
  next: count,
  lastLine: count,
  closed: z.boolean(),
  lines: list(lineSchema),
});

/** @throws {AppError} POD_UNTRUSTED when it is not the page that was asked for, without gaps. */
export function toLogPage(
  page: z.infer<typeof logPageSchema>,
  asked: { readonly bootId: string; readonly after: number; readonly limit: number },
): AgentLogPage {
  const { next, lastLine, closed, lines } = page;
  const isAsked = page.bootId === asked.bootId && page.after === asked.after;
  if (!isAsked || lines.length > asked.limit)
    throw untrusted("The pod's lines are not those asked for");
  const isGapless = lines.every(({ n }, index) => n === asked.after + index + 1);
  if (!isGapless || next !== asked.after + lines.length)
    throw untrusted("The pod's lines have a gap");
  if (lastLine < next) throw untrusted('The pod sent more lines than it has');
  return { bootId: page.bootId, next, lastLine, closed, lines: lines.map(toLine) };
}

/** PROTOCOL.md §5.5. */
export const logEndSchema = z.object({ bootId, lastLine: count });

/** @throws {AppError} POD_UNTRUSTED when it is not line `n`. */
export function toStreamedLine(record: unknown, n: number): AgentLine {
  const line = lineSchema.safeParse(record);
  if (!line.success) throw untrusted("The pod's stream has a line that is none");
  if (line.data.n !== n) throw untrusted("The pod's stream has a gap");
  return toLine(line.data);
}

/** A line as the platform passed it on (PROTOCOL.md §5.4), or a part of one. */
export interface AgentRecord extends AgentLine {
  readonly bootId: string;
  /** Which part it is and of how many; null: it is whole. */
  readonly part: readonly [number, number] | null;
}

const recordSchema = lineSchema.extend({
  boot: bootId,
  p: z.tuple([count, count]).optional(),
});

/** Null: not a record of an agent. */
export function readAgentRecord(text: string): AgentRecord | null {
  if (!text.startsWith('{"boot":')) return null;
  try {
    const record = recordSchema.safeParse(JSON.parse(text));
    if (!record.success) return null;
    return { ...toLine(record.data), bootId: record.data.boot, part: record.data.p ?? null };
  } catch {
    return null;
  }
}

function toLine({ n, t, s, x, more }: z.infer<typeof lineSchema>): AgentLine {
  return { n, at: t, stream: s, text: x, ...(more === undefined ? {} : { isContinued: more }) };
}
