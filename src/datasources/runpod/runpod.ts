/** RunPod as a {@link Platform}: REST API v2 first, GraphQL only for what REST does not have. */
import type { Logger } from 'pino';
import { AppError } from '../../errors.ts';
import type { CallOptions, LaunchRequest, Platform, Pod } from '../platform.ts';
import { readPodLogs } from './pod-logs.ts';
import { createRestClient } from './rest-client.ts';
import type { RestCallReport, RestClient } from './rest-client.ts';
import {
  gpuListSchema,
  noContentSchema,
  podBillingSchema,
  podListSchema,
  podSchema,
  toCatalogueEntry,
  toPod,
} from './rest-schemas.ts';
import { createSpotClient } from './spot-client.ts';
import { createSpotLauncher } from './spot-launch.ts';
import { createSpotSource } from './spot-source.ts';

/** Users expect to learn of a wrong key within five seconds. */
const VERIFY_TIMEOUT_MS = 5_000;
/** Placing a pod can take RunPod a while; its own sample waits a minute. */
const CREATE_TIMEOUT_MS = 60_000;
const PODS_PER_PAGE = 1_000;
const MAX_PAGES = 100;

export interface RunpodDeps {
  restUrl: string;
  graphqlUrl: string;
  /** Public address of a pod's HTTP port, with `{podId}` and `{port}` in it. */
  proxyUrl: string;
  apiKey: string;
  emulated: boolean;
  /** Deadline of one ordinary call, retries included. */
  timeoutMs: number;
  /** Deadline of one create call, which is never repeated: a minute where omitted. */
  createTimeoutMs?: number;
  log: Logger;
  onCall?: (call: RestCallReport) => void;
}

export function createRunpod(deps: RunpodDeps): Platform {
  const { createTimeoutMs = CREATE_TIMEOUT_MS } = deps;
  const rest = createRestClient({
    baseUrl: deps.restUrl,
    apiKey: deps.apiKey,
    timeoutMs: deps.timeoutMs,
    ...(deps.onCall && { onCall: deps.onCall }),
  });
  const spot = createSpotSource({
    client: createSpotClient({
      url: deps.graphqlUrl,
      apiKey: deps.apiKey,
      timeoutMs: Math.min(deps.timeoutMs, VERIFY_TIMEOUT_MS),
    }),
    log: deps.log,
  });
  const spotLauncher = createSpotLauncher({
    url: deps.graphqlUrl,
    apiKey: deps.apiKey,
    timeoutMs: createTimeoutMs,
  });

  return {
    name: 'runpod',
    emulated: deps.emulated,

    async verify(options = {}) {
      const [account] = await Promise.all([spot.account(options), checkKey(rest, options)]);
      return account;
    },

    async catalogue(offer, options = {}) {
      const { gpus } = await rest.call({
        method: 'GET',
        route: '/v2/catalog/gpus',
        query: {
          include: 'AVAILABILITY',
          product: 'POD',
          count: offer.gpuCount,
          cloud: offer.cloud,
        },
        schema: gpuListSchema,
        idempotent: true,
        ...options,
      });
      return gpus.map((gpu) => toCatalogueEntry(gpu, offer));
    },

    spotPrices: (offers, options = {}) => spot.prices(offers, options),

    async launch(request, options = {}) {
      const { spotUsdPerHour } = request;
      if (spotUsdPerHour !== undefined) {
        return spotLauncher.launch({ ...request, spotUsdPerHour }, options);
      }
      const pod = await rest.call({
        method: 'POST',
        route: '/v2/pods',
        body: toCreateBody(request),
        schema: podSchema,
        idempotent: false,
        timeoutMs: createTimeoutMs,
        ...options,
      });
      return toPod(pod);
    },

    listPods: (options = {}) => listPods(rest, options),

    observe: (podId, options = {}) =>
      orNull(
        rest
          .call({
            method: 'GET',
            route: '/v2/pods/{id}',
            parameters: { id: podId },
            schema: podSchema,
            idempotent: true,
            ...options,
          })
          .then(toPod),
      ),

    async terminate(podId, options = {}) {
      await orNull(
        rest.call({
          method: 'DELETE',
          route: '/v2/pods/{id}',
          parameters: { id: podId },
          schema: noContentSchema,
          idempotent: true,
          ...options,
        }),
      );
    },

    logs: (podId, options) => readPodLogs(rest, podId, options),

    proxyUrl: (podId, port) =>
      trimSlashes(
        deps.proxyUrl
          .replaceAll('{podId}', encodeURIComponent(podId))
          .replaceAll('{port}', String(port)),
      ),

    selfTermination: {
      restUrl: `${trimSlashes(deps.restUrl)}/v2`,
      graphqlUrl: deps.graphqlUrl,
    },

    billedUsd: (podId, since, options = {}) => readBill(rest, podId, since, options),

    rateBudgetShare: () => rest.budget.share(),

    // Calls end with their signals; nothing here outlives them.
    close: () => Promise.resolve(),
  };
}

/** The cheapest call that needs a valid key. */
async function checkKey(rest: RestClient, options: CallOptions): Promise<void> {
  await rest.call({
    method: 'GET',
    route: '/v2/pods',
    query: { limit: 1 },
    schema: podListSchema,
    idempotent: true,
    timeoutMs: VERIFY_TIMEOUT_MS,
    ...options,
  });
}

async function listPods(rest: RestClient, options: CallOptions): Promise<readonly Pod[]> {
  const pods: Pod[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await rest.call({
      method: 'GET',
      route: '/v2/pods',
      query: { limit: PODS_PER_PAGE, ...(cursor === undefined ? {} : { cursor }) },
      schema: podListSchema,
      idempotent: true,
      ...options,
    });
    pods.push(...answer.pods.map(toPod));
    const next = answer.pagination?.nextCursor ?? undefined;
    if (next === undefined || answer.pagination?.hasNextPage === false) return pods;
    if (next === cursor) break;
    cursor = next;
  }
  // Half a list would make living pods look gone.
  throw new AppError('PLATFORM_UNAVAILABLE', "RunPod's list of pods does not come to an end.");
}

/** RunPod bills by the hour: the first one may begin before `since`, and holds all the same. */
async function readBill(
  rest: RestClient,
  podId: string,
  since: number,
  options: CallOptions,
): Promise<number | null> {
  const { records } = await rest.call({
    method: 'GET',
    route: '/v2/billing/pods',
    query: { podId, startTime: new Date(since).toISOString(), bucketSize: 'hour' },
    schema: podBillingSchema,
    idempotent: true,
    ...options,
  });
  // Unknown parameters are ignored, and a bill of all pods must not become one pod's.
  const own = records.filter((record) => record.podId === podId);
  if (own.length === 0) return null;
  return own.reduce((sum, { totalAmount }) => sum + totalAmount, 0);
}

function toCreateBody(request: LaunchRequest): Record<string, unknown> {
  return {
    name: request.name,
    image: request.image,
    cloud: request.cloud,
    gpu: {
      id: request.gpuTypeId,
      count: request.gpuCount,
      minCudaVersion: request.minCudaVersion,
    },
    disk: request.containerDiskGb,
    cmd: request.command,
    env: request.env,
    ports: request.httpPorts.map((port) => `${port}/http`),
    ...(request.dataCenterIds && { dataCenterIds: request.dataCenterIds }),
    ...(request.networkVolume && {
      mounts: {
        network: [{ volumeId: request.networkVolume.id, path: request.networkVolume.path }],
      },
    }),
  };
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch (error) {
    if (error instanceof AppError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

function trimSlashes(url: string): string {
  return url.replace(/\/+$/, '');
}
