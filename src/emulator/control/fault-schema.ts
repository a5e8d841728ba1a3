import { z } from 'zod';

/** Longer than any deadline worth testing. */
const MAX_WAIT_MS = 600_000;

const wait = z.int().min(0).max(MAX_WAIT_MS);
const errorStatus = z.int().min(400).max(599);

/** When a fault fires, for every kind. */
const timing = {
  /** How often it fires at most. Absent: for ever. */
  times: z.int().min(1).optional(),
  /** Chance of each occasion, drawn from the seed. Absent: 1. */
  probability: z.number().gt(0).max(1).optional(),
  /** How many occasions it lets pass first. */
  after: z.int().min(0).optional(),
};

/**
 * A fault as posted. Kinds without a `route` say by themselves what they meet.
 * @param isRoute whether a route of that name exists; a misspelt one would silently never fire
 */
export function faultSchema(isRoute: (name: string) => boolean) {
  const route = z
    .string()
    .refine(isRoute, { error: 'no such route: see src/emulator/README.md' })
    .optional();
  const anywhere = { ...timing, route };
  return z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('status'),
      ...anywhere,
      status: z.int().min(200).max(599),
      body: z.unknown().optional(),
      headers: z.record(z.string().regex(/^[\w-]+$/), z.string()).optional(),
    }),
    z.strictObject({ kind: z.literal('malformed'), ...anywhere }),
    z.strictObject({ kind: z.literal('body'), ...anywhere, body: z.unknown() }),
    z.strictObject({ kind: z.literal('delay'), ...anywhere, ms: wait }),
    z.strictObject({ kind: z.literal('hang'), ...anywhere }),
    z.strictObject({ kind: z.literal('reset'), ...anywhere }),
    z.strictObject({
      kind: z.literal('fail-after-effect'),
      ...anywhere,
      status: errorStatus.default(500),
    }),
    z.strictObject({ kind: z.literal('hang-after-effect'), ...anywhere }),
    z.strictObject({
      kind: z.literal('rate-limited'),
      ...anywhere,
      retryAfterSeconds: z.int().min(0).max(86_400),
    }),
    z.strictObject({ kind: z.literal('unauthorized'), ...anywhere }),
    z.strictObject({ kind: z.literal('insufficient-balance'), ...anywhere }),
    z.strictObject({
      kind: z.literal('no-capacity'),
      ...anywhere,
      gpuTypeId: z.string().optional(),
      dataCenterId: z.string().optional(),
    }),
    z.strictObject({ kind: z.literal('listing-lag'), ...timing, ms: wait }),
    z.strictObject({ kind: z.literal('early-404'), ...timing, ms: wait }),
    z.strictObject({ kind: z.literal('sse-cut'), ...timing, afterLines: z.int().min(0) }),
    z.strictObject({ kind: z.literal('sse-duplicate'), ...timing, every: z.int().min(1) }),
    z.strictObject({ kind: z.literal('sse-drop'), ...timing, every: z.int().min(1) }),
    z.strictObject({ kind: z.literal('graphql-gone'), ...timing }),
    z.strictObject({
      kind: z.literal('spot-reclaim'),
      ...timing,
      podId: z.string().optional(),
      mode: z.enum(['exit', 'vanish']).default('exit'),
    }),
  ]);
}

export type Fault = z.infer<ReturnType<typeof faultSchema>>;
export type FaultKind = Fault['kind'];
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>;
