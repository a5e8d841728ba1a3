/** What the tests of the emulator share: one to test, a clock, and calls over HTTP. */
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { createEmulator } from '../../src/emulator/emulator.ts';
import type { Emulator, EmulatorOptions } from '../../src/emulator/emulator.ts';

export const GPU = 'NVIDIA GeForce RTX 4090';
const DEADLINE_MS = 5_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; undefined: no body. */
  readonly body: unknown;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: no Authorization header. */
  readonly key?: string | null;
  readonly signal?: AbortSignal;
}

export type Call = (method: string, target: string, options?: CallOptions) => Promise<Answer>;

export interface Clock {
  readonly now: () => number;
  advance(ms: number): void;
}

export function createClock(at = Date.parse('2026-11-01T12:00:00Z')): Clock {
  let now = at;
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

/** An emulator whose pods boot at once; it ends with the test. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await createEmulator({ provisioningMs: 0, startingMs: 0, ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

/** An emulator and its caller. */
export async function startWithCall(
  options: EmulatorOptions = {},
): Promise<{ emulator: Emulator; call: Call }> {
  const emulator = await startEmulator(options);
  return { emulator, call: callerOf(emulator) };
}

export function callerOf({ url }: Emulator): Call {
  return async (method, target, { body, headers = {}, key = 'test-key', signal } = {}) => {
    const response = await fetch(url + target, {
      method,
      headers: { ...(key !== null && { authorization: `Bearer ${key}` }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  };
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function podBody(change: object = {}): object {
  return { name: 'a-pod', image: 'runpod/pytorch:1', gpu: { id: GPU, count: 1 }, ...change };
}

const podSchema = z.looseObject({
  id: z.string(),
  status: z.string(),
  env: z.record(z.string(), z.string()),
  cost: z.number(),
});
export type PodAnswer = z.infer<typeof podSchema>;

export async function createPod(call: Call, change: object = {}): Promise<PodAnswer> {
  const { body } = await call('POST', '/v2/pods', { body: podBody(change) });
  return podSchema.parse(body);
}

export async function readPod(call: Call, id: string): Promise<PodAnswer> {
  return podSchema.parse((await call('GET', `/v2/pods/${id}`)).body);
}

const faultSchema = z.looseObject({ id: z.string(), fired: z.number() });

export async function addFault(call: Call, fault: object): Promise<string> {
  const { body } = await call('POST', '/__emulator/faults', { body: fault });
  return faultSchema.parse(body).id;
}

export async function firedOf(call: Call, id: string): Promise<number | undefined> {
  const { body } = await call('GET', '/__emulator/faults');
  return z
    .array(faultSchema)
    .parse(body)
    .find((fault) => fault.id === id)?.fired;
}

const recordSchema = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    status: z.string(),
    createdAt: z.string(),
    terminatedAt: z.string().nullable(),
    usdAccrued: z.number(),
    restarts: z.number(),
    pid: z.number().nullable(),
  }),
);

/** Every pod there ever was, as the control API tells. */
export async function podRecords(call: Call): Promise<z.infer<typeof recordSchema>> {
  return recordSchema.parse((await call('GET', '/__emulator/pods')).body);
}

const graphqlSchema = z.object({
  data: z.looseObject({}).nullish(),
  errors: z
    .array(
      z.looseObject({
        message: z.string(),
        extensions: z.looseObject({ code: z.string() }).optional(),
      }),
    )
    .optional(),
});

export async function graphql(
  call: Call,
  query: string,
  variables: object = {},
  options: CallOptions = {},
): Promise<z.infer<typeof graphqlSchema> & { status: number }> {
  const { status, body } = await call('POST', '/graphql', {
    ...options,
    body: { query, variables },
  });
  return { status, ...graphqlSchema.parse(body) };
}

/** Asks until the answer passes. @throws {Error} after five seconds */
export async function until<T>(
  ask: () => Promise<T> | T,
  passes: (value: T) => boolean,
): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const value = await ask();
    if (passes(value)) return value;
    if (performance.now() > deadline) throw new Error(`not in time: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
