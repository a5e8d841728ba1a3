/**
 * Settings, all from the environment: this file is the only reader of `process.env`. README.md has
 * the same table for people.
 */
import { z } from 'zod';
import { crossFaults } from './config-faults.ts';
import { toReconcilerConfig } from './config-reconciler.ts';
import type { ReconcilerConfig } from './config-reconciler.ts';
import { bytes, callbackUrl, flag, GIB, httpUrl, list, port, seconds } from './config-values.ts';
import type { JobLimits } from './domain/training/placement.ts';

const environmentSchema = z.object({
  /** Address to listen on. Anything but loopback needs ALLOW_OPEN_NETWORK while AUTH_MODE is none. */
  HOST: z.string().min(1).default('127.0.0.1'),
  /** Port to listen on; 0 picks a free one. */
  PORT: port.default(4_000),
  /** Folder for everything that is kept. */
  DATA_DIR: z.string().min(1).default('.data'),
  /** `production` switches the IDE off. */
  NODE_ENV: z.string().default('development'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),

  /** How callers prove who they are. */
  AUTH_MODE: z.enum(['none'], { error: 'expected none' }).default('none'),
  /** True: listen on an open network without authentication. */
  ALLOW_OPEN_NETWORK: flag.default(false),
  /** Origins of web pages that may call, besides pages of this server. */
  ALLOWED_ORIGINS: list
    .pipe(z.array(z.url({ protocol: /^https?$/, error: 'expected origins, comma-separated' })))
    .default([]),
  /** Names this server is called by in `Host`, besides loopback, HOST and PUBLIC_URL; `*` for any. */
  ALLOWED_HOSTS: list.default([]),
  /** Base of the URLs we hand out. Absent: http://HOST:PORT. */
  PUBLIC_URL: httpUrl.optional(),

  /** URLs of routers; these and what lies below them may be called back. Absent: none is. */
  CALLBACK_URLS: list.pipe(z.array(callbackUrl)).default([]),
  /** What a router that wants to be called back sends as `Router-Authorization`. */
  ROUTER_SECRET: z
    .string()
    .regex(/^[\x21-\x7e]{16,4096}$/, {
      error: 'expected at least 16 characters of printable ASCII without spaces',
    })
    .optional(),

  /** RunPod key. Absent: the built-in emulator answers and nothing is billed. */
  RUNPOD_API_KEY: z
    .string()
    .trim()
    .min(1)
    .regex(/^[\x21-\x7e]+$/, { error: 'expected printable ASCII without spaces' })
    .optional(),
  RUNPOD_REST_URL: httpUrl
    .refine((url) => !/\/v\d+\/?$/.test(url), { error: 'expected the base without /v2' })
    .default('https://api.runpod.io'),
  RUNPOD_GRAPHQL_URL: httpUrl.default('https://api.runpod.io/graphql'),
  /** Address of a pod's HTTP port, with {podId} and {port} in it. */
  RUNPOD_PROXY_URL: z
    .string()
    .regex(/^https?:\/\/.*\{podId\}.*\{port\}/, { error: 'expected a URL with {podId} and {port}' })
    .default('https://{podId}-{port}.proxy.runpod.net'),
  /** Deadline of one ordinary call to RunPod, retries included. */
  RUNPOD_TIMEOUT_SECONDS: seconds(0.1, 120).default(10),
  /** Deadline of one create call: placing a pod can take RunPod a while. */
  RUNPOD_CREATE_TIMEOUT_SECONDS: seconds(0.1, 600).default(60),

  /** Base of an emulator that runs already. Absent: one is embedded. */
  EMULATOR_URL: httpUrl.optional(),
  /** Port of the embedded emulator; 0 picks a free one. */
  EMULATOR_PORT: port.default(0),
  EMULATOR_SEED: z.coerce
    .number()
    .int()
    .min(0)
    .max(2 ** 31)
    .default(1),

  /** Python with the trainer's libraries: the emulator's pods train with it for real. */
  EMULATOR_PYTHON: z
    .string()
    .startsWith('/', { error: 'expected the absolute path of a Python' })
    .optional(),

  /** Prices younger than this are served without asking RunPod. */
  PRICE_FRESH_SECONDS: seconds(0, 3_600).default(30),
  /** Prices older than this are not served, even if RunPod is down. */
  PRICE_MAX_AGE_SECONDS: seconds(1, 7 * 86_400).default(3_600),
  /** False: catalogue answers are executed every time. */
  RESULT_REUSE: flag.default(true),

  /** Limits of a job that names none, and the most it may name. */
  MAX_RUNTIME_SECONDS: z.coerce
    .number()
    .int()
    .min(60)
    .max(30 * 86_400)
    .default(86_400),
  MAX_COST_USD: z.coerce.number().gt(0).max(1_000_000).default(100),
  MAX_ATTEMPTS: z.coerce.number().int().min(1).max(100).default(3),

  /** Absent: SQLite under DATA_DIR. */
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, { error: 'expected postgres://user:password@host/database' })
    .optional(),
  /** A folder, or s3://bucket/prefix. Absent: a folder under DATA_DIR. */
  ARTIFACT_URL: z.string().min(1).optional(),
  /** True: every replica sees the same artifact folder. */
  ARTIFACT_FOLDER_SHARED: flag.default(false),
  S3_ENDPOINT: httpUrl.optional(),
  AWS_REGION: z.string().min(1).optional(),
  AWS_ACCESS_KEY_ID: z.string().min(1).optional(),
  AWS_SECRET_ACCESS_KEY: z.string().min(1).optional(),
  /** Largest dataset that may be uploaded. */
  MAX_UPLOAD_BYTES: bytes.default(5 * GIB),
  /** Most that is fetched of one job's results. */
  MAX_ARTIFACT_BYTES: bytes.default(100 * GIB),

  /** So many checkpoints of a job are stored, the newest. */
  CHECKPOINT_KEEP: z.coerce.number().int().min(1).max(100).default(2),

  /** How long the stored log of an ended job is kept; its artifact stays. */
  LOG_RETENTION_DAYS: z.coerce.number().gt(0).max(36_500).default(30),
  /** Most that is kept of one job's log while it goes on: beyond it the oldest lines go. */
  MAX_LOG_BYTES_PER_JOB: bytes.default(GIB),

  /** Names this installation in its pods' names. Absent: made once, kept in the store. */
  INSTALLATION_ID: z
    .string()
    .regex(/^[a-z0-9]{4,32}$/, { error: 'expected 4 to 32 lower-case letters and digits' })
    .optional(),
  /** Signs URLs and makes the agents' tokens. Absent: made once, kept in the store. */
  SIGNING_KEY: z.string().min(32, { error: 'expected at least 32 characters' }).optional(),
  /** Token of the Hugging Face Hub, given to trainers; never to hosts that are not trusted. */
  HF_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]{8,4096}$/, { error: 'expected printable ASCII without spaces' })
    .optional(),

  /** Address of the hub that trainers use, where it is not Hugging Face's own. */
  HF_ENDPOINT: httpUrl
    .refine((url) => URL.parse(url)?.username === '' && URL.parse(url)?.password === '', {
      error: 'expected a URL without credentials: pods show their environment',
    })
    .optional(),

  /** Between two listings of all pods. Absent: 5, with the emulator 1. */
  RECONCILE_SECONDS: seconds(0.05, 60).optional(),
  /** A job is one reconciler's for so long, unless it renews. */
  LEASE_SECONDS: seconds(1, 600).default(30),
  /** How long a new pod may be missing in listings. */
  LISTING_GRACE_SECONDS: seconds(1, 3_600).default(30),
  /** A pod that is missing in listings for so long is gone. */
  POD_ABSENT_SECONDS: seconds(0.1, 3_600).default(20),
  /** How long a job waits for a free machine. */
  CAPACITY_WAIT_SECONDS: seconds(1, 7 * 86_400).default(1_200),
  /** What a job that is to pause has to write its checkpoint and hand it over. */
  PAUSING_SECONDS: seconds(1, 86_400).default(600),
  /** From the rented pod to its agent's first answer. */
  PROVISIONING_SECONDS: seconds(1, 86_400).default(1_200),
  /** An unknown pod with our name is terminated after so long. */
  QUARANTINE_SECONDS: seconds(1, 30 * 86_400).default(3_600),
  /** A pod that is listed for so long after its end was asked for is an alarm, and waited for no more. */
  POD_END_SECONDS: seconds(1, 30 * 86_400).default(3_600),
  /** A pod without a job ends itself after so long. */
  UPLOAD_GRACE_SECONDS: seconds(1, 86_400).default(900),
  /** A pod whose results nobody fetches ends itself after so long. */
  OWNER_GRACE_SECONDS: seconds(1, 7 * 86_400).default(21_600),

  MAX_BODY_BYTES: z.coerce
    .number()
    .int()
    .min(1_024)
    .max(64 * 1024 * 1024)
    .default(1_048_576),
  /** Nesting of fields in one operation. */
  MAX_QUERY_DEPTH: z.coerce.number().int().min(1).max(100).default(12),
  MAX_WS_CONNECTIONS: z.coerce.number().int().min(1).max(1_000_000).default(10_000),
  MAX_SUBSCRIPTIONS_PER_CONNECTION: z.coerce.number().int().min(1).max(10_000).default(100),
  /** What may wait for one slow reader before nothing is added; below 64 KiB sockets do not say when it was read. */
  MAX_BUFFERED_BYTES: bytes.min(65_536).default(1_048_576),
  /** How long a shutdown waits for requests in flight. */
  SHUTDOWN_GRACE_SECONDS: seconds(0, 600).default(10),
});

export type Environment = z.infer<typeof environmentSchema>;
export type SettingName = keyof Environment;
export const settingNames = Object.keys(environmentSchema.shape) as readonly SettingName[];

export type RunpodConfig =
  | {
      readonly kind: 'live';
      readonly apiKey: string;
      readonly restUrl: string;
      readonly graphqlUrl: string;
      readonly proxyUrl: string;
    }
  | { readonly kind: 'emulator'; readonly port: number; readonly seed: number }
  /** Another process: its pods outlive this server. */
  | { readonly kind: 'remote-emulator'; readonly url: string };

export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly isProduction: boolean;
  readonly logLevel: Environment['LOG_LEVEL'];
  readonly allowedOrigins: readonly string[];
  readonly allowedHosts: readonly string[];
  readonly publicUrl: string | undefined;
  /** Undefined: no router is called back. */
  readonly callbacks: { readonly urls: readonly string[]; readonly secret: string } | undefined;
  readonly runpod: RunpodConfig;
  /** Absent: the emulator's pods run a toy trainer. */
  readonly emulatorPython: string | undefined;
  readonly runpodTimeoutMs: number;
  readonly runpodCreateTimeoutMs: number;
  readonly priceFreshMs: number;
  readonly priceMaxAgeMs: number;
  readonly reusesResults: boolean;
  readonly jobLimits: JobLimits;
  readonly databaseUrl: string | undefined;
  readonly artifacts: ArtifactConfig;
  readonly maxUploadBytes: number;
  readonly maxArtifactBytes: number;
  readonly checkpointKeep: number;
  readonly logRetention: { readonly keepMs: number; readonly maxBytesPerJob: number };
  readonly installationId: string | undefined;
  readonly signingKey: string | undefined;
  /** Given to trainers. */
  readonly trainerSecrets: Readonly<Record<string, string>>;
  /** Of every pod; others can read it. */
  readonly podEnvironment: Readonly<Record<string, string>>;
  readonly reconciler: ReconcilerConfig;
  readonly maxBodyBytes: number;
  readonly maxQueryDepth: number;
  readonly maxWsConnections: number;
  readonly maxSubscriptionsPerConnection: number;
  readonly maxBufferedBytes: number;
  readonly shutdownGraceMs: number;
}

export interface ArtifactConfig {
  readonly url: string | undefined;
  readonly s3: {
    readonly endpoint: string | undefined;
    readonly region: string | undefined;
    readonly accessKeyId: string | undefined;
    readonly secretAccessKey: string | undefined;
  };
}

/** Every fault of the settings at once, ready to print. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `The settings have ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/** Settings whose value must not be shown. */
const SECRETS: ReadonlySet<string> = new Set([
  'RUNPOD_API_KEY',
  'DATABASE_URL',
  'ARTIFACT_URL',
  'SIGNING_KEY',
  'ROUTER_SECRET',
  'HF_TOKEN',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
]);

/**
 * Empty variables count as absent, as compose files write them.
 * @throws {ConfigError}
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
  const parsed = environmentSchema.safeParse(given);
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((i) => describe(i, given)));
  const faults = crossFaults(parsed.data, given);
  if (faults.length > 0) throw new ConfigError(faults);
  return toConfig(parsed.data);
}

function describe(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>): string {
  const name = String(issue.path[0] ?? '');
  const got = SECRETS.has(name) ? 'a secret' : JSON.stringify(given[name] ?? null);
  return `${name}: got ${got}; ${issue.message}`;
}

function toConfig(env: Environment): Config {
  return {
    host: env.HOST,
    port: env.PORT,
    dataDir: env.DATA_DIR,
    isProduction: env.NODE_ENV === 'production',
    logLevel: env.LOG_LEVEL,
    allowedOrigins: env.ALLOWED_ORIGINS.map((origin) => new URL(origin).origin),
    allowedHosts: env.ALLOWED_HOSTS.map((host) => host.toLowerCase()),
    publicUrl: env.PUBLIC_URL,
    callbacks:
      env.ROUTER_SECRET === undefined || env.CALLBACK_URLS.length === 0
        ? undefined
        : { urls: env.CALLBACK_URLS, secret: env.ROUTER_SECRET },
    runpod: toRunpodConfig(env),
    emulatorPython: env.EMULATOR_PYTHON,
    runpodTimeoutMs: env.RUNPOD_TIMEOUT_SECONDS * 1_000,
    runpodCreateTimeoutMs: env.RUNPOD_CREATE_TIMEOUT_SECONDS * 1_000,
    priceFreshMs: env.PRICE_FRESH_SECONDS * 1_000,
    priceMaxAgeMs: env.PRICE_MAX_AGE_SECONDS * 1_000,
    reusesResults: env.RESULT_REUSE,
    jobLimits: {
      maxRuntimeSeconds: env.MAX_RUNTIME_SECONDS,
      maxCostUsd: env.MAX_COST_USD,
      maxAttempts: env.MAX_ATTEMPTS,
    },
    databaseUrl: env.DATABASE_URL,
    artifacts: {
      url: env.ARTIFACT_URL,
      s3: {
        endpoint: env.S3_ENDPOINT,
        region: env.AWS_REGION,
        accessKeyId: env.AWS_ACCESS_KEY_ID,
        secretAccessKey: env.AWS_SECRET_ACCESS_KEY,
      },
    },
    maxUploadBytes: env.MAX_UPLOAD_BYTES,
    maxArtifactBytes: env.MAX_ARTIFACT_BYTES,
    checkpointKeep: env.CHECKPOINT_KEEP,
    logRetention: {
      keepMs: env.LOG_RETENTION_DAYS * 86_400_000,
      maxBytesPerJob: env.MAX_LOG_BYTES_PER_JOB,
    },
    installationId: env.INSTALLATION_ID,
    signingKey: env.SIGNING_KEY,
    trainerSecrets: env.HF_TOKEN === undefined ? {} : { HF_TOKEN: env.HF_TOKEN },
    podEnvironment: toPodEnvironment(env),
    reconciler: toReconcilerConfig(env),
    maxBodyBytes: env.MAX_BODY_BYTES,
    maxQueryDepth: env.MAX_QUERY_DEPTH,
    maxWsConnections: env.MAX_WS_CONNECTIONS,
    maxSubscriptionsPerConnection: env.MAX_SUBSCRIPTIONS_PER_CONNECTION,
    maxBufferedBytes: env.MAX_BUFFERED_BYTES,
    shutdownGraceMs: env.SHUTDOWN_GRACE_SECONDS * 1_000,
  };
}

function toPodEnvironment(env: Environment): Record<string, string> {
  // Emulated pods have no GPU.
  const isOnCpu = env.RUNPOD_API_KEY === undefined && env.EMULATOR_PYTHON !== undefined;
  return {
    ...(env.HF_ENDPOINT !== undefined && { HF_ENDPOINT: env.HF_ENDPOINT }),
    ...(isOnCpu && { TRAINER_DEVICE: 'cpu' }),
  };
}

function toRunpodConfig(env: Environment): RunpodConfig {
  if (env.RUNPOD_API_KEY !== undefined) {
    return {
      kind: 'live',
      apiKey: env.RUNPOD_API_KEY,
      restUrl: env.RUNPOD_REST_URL,
      graphqlUrl: env.RUNPOD_GRAPHQL_URL,
      proxyUrl: env.RUNPOD_PROXY_URL,
    };
  }
  return env.EMULATOR_URL === undefined
    ? { kind: 'emulator', port: env.EMULATOR_PORT, seed: env.EMULATOR_SEED }
    : { kind: 'remote-emulator', url: env.EMULATOR_URL.replace(/\/+$/, '') };
}
