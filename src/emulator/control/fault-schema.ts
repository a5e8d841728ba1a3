import { z } from 'zod';

const ms = z.int().min(0).max(3_600_000);
const status = z.int().min(400).max(599);
const every = z.int().min(1);
/** How a pod that is taken away looks afterwards. */
const lossMode = z.enum(['exit', 'vanish']).default('exit');

const limited = {
  /** How often it fires in all; absent: without end. */
  times: z.int().min(1).optional(),
};

/** When a fault fires at a request. */
const trigger = {
  ...limited,
  /**
   * `GET /v2/catalog/gpus`, `* /v2/pods/{id}`, `graphql`, `graphql:podTerminate`, `proxy`; absent:
   * all but `proxy`, which is another service at RunPod.
   */
  route: z.string().min(1).max(200).optional(),
  /** Skips this many requests first. */
  after: z.int().min(0).optional(),
  /** Of each request, from the emulator's seeded sequence. */
  probability: z.number().min(0).max(1).optional(),
};

export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('status'),
    status,
    body: z.json().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    ...trigger,
  }),
  z.strictObject({ kind: z.literal('malformed'), ...trigger }),
  z.strictObject({ kind: z.literal('body'), body: z.json(), ...trigger }),
  z.strictObject({ kind: z.literal('delay'), ms, ...trigger }),
  z.strictObject({ kind: z.literal('hang'), ...trigger }),
  z.strictObject({ kind: z.literal('reset'), ...trigger }),
  z.strictObject({ kind: z.literal('fail-after-effect'), status: status.default(500), ...trigger }),
  z.strictObject({ kind: z.literal('hang-after-effect'), ...trigger }),
  z.strictObject({
    kind: z.literal('rate-limited'),
    retryAfterSeconds: z.int().min(0).max(3_600).default(1),
    ...trigger,
  }),
  z.strictObject({ kind: z.literal('insufficient-balance'), ...trigger }),
  z.strictObject({ kind: z.literal('unauthorized'), ...trigger }),
  z.strictObject({ kind: z.literal('graphql-gone'), ...limited }),
  z.strictObject({ kind: z.literal('listing-lag'), ms, ...limited }),
  z.strictObject({ kind: z.literal('early-404'), ms, ...limited }),
  z.strictObject({
    kind: z.literal('no-capacity'),
    gpuTypeId: z.string().optional(),
    dataCenterId: z.string().optional(),
    ...limited,
  }),
  z.strictObject({ kind: z.literal('sse-cut'), afterLines: every, ...limited }),
  z.strictObject({ kind: z.literal('sse-duplicate'), every, ...limited }),
  z.strictObject({ kind: z.literal('sse-drop'), every, ...limited }),
  z.strictObject({
    kind: z.literal('spot-reclaim'),
    podId: z.string().optional(),
    mode: lossMode,
  }),
  z.strictObject({ kind: z.literal('host-death'), podId: z.string().optional(), mode: lossMode }),
  z.strictObject({
    kind: z.literal('restart'),
    podId: z.string(),
    /** Its container disk is empty then. */
    wipe: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal('boot-failure'),
    /** What the system log says. */
    message: z.string().min(1).max(1_000).default('error pulling image: manifest unknown'),
    ...limited,
  }),
  z.strictObject({ kind: z.literal('proxy-cut'), afterBytes: z.int().min(0), ...limited }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];
/** Faults that fire at requests, as against those that describe a state of the world. */
export type RequestFault = Extract<Fault, { after?: number | undefined }>;
