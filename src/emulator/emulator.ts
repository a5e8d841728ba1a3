/**
 * A RunPod of our own: the REST and GraphQL APIs as far as this service uses them, as strict as the
 * original, over real HTTP, with faults on demand. Nothing is rented and nothing billed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import { identify } from './access.ts';
import type { Caller } from './access.ts';
import { createStock } from './catalogue/stock.ts';
import { CONTROL_PREFIX, createControl } from './control/control-routes.ts';
import { answerUnder } from './control/fault-answer.ts';
import { createFaults, PROXY_ROUTE } from './control/faults.ts';
import { createContainers } from './containers/containers.ts';
import { createRequestLog } from './control/request-log.ts';
import { createGraphqlApi, readGraphqlRequest } from './graphql/graphql.ts';
import { createRoot } from './graphql/root.ts';
import { jsonAnswer, withHeaders } from './http/answer.ts';
import type { Answer } from './http/answer.ts';
import type { Incoming } from './http/incoming.ts';
import { Problem, problemAnswer } from './http/problem.ts';
import { createProxy, readProxyTarget } from './http/proxy.ts';
import type { ProxyTarget } from './http/proxy.ts';
import { matchRoute, routeName, unknownPath, wrongMethod } from './http/routing.ts';
import { listen } from './http/server.ts';
import { openPodFile } from './pods/pod-file.ts';
import { createPods } from './pods/pods.ts';
import { billingRoutes } from './rest/billing-routes.ts';
import { catalogRoutes } from './rest/catalog-routes.ts';
import { podRoutes } from './rest/pod-routes.ts';
import { createRateLimit } from './rest/rate-limit.ts';
import type { RateLimitOptions } from './rest/rate-limit.ts';

export interface EmulatorOptions {
  /** A loopback address; default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Decides stock and the luck of faults; default 1. */
  readonly seed?: number;
  /** The only key that is accepted; absent: any. */
  readonly apiKey?: string;
  /** Where pods are kept over a restart; absent: nowhere. */
  readonly stateDir?: string;
  readonly now?: () => number;
  readonly provisioningMs?: number;
  readonly startingMs?: number;
  /** Between SIGTERM and SIGKILL when a pod is stopped or terminated; default 10 s, as Docker's. */
  readonly stopGraceMs?: number;
  /** The same when a spot pod is taken back; default 5 s. */
  readonly reclaimGraceMs?: number;
  /** The same when the emulator closes; default 2 s. */
  readonly closeGraceMs?: number;
  /** Pause before a container restarts, doubling to 30 s while it keeps exiting; default 500 ms. */
  readonly restartMs?: number;
  /** Pods with a command that run at a time; default 50. */
  readonly maxProcesses?: number;
  /** After which the proxy cuts an answer; default 100 s. */
  readonly proxyMaxMs?: number;
  /** Silence after which a log stream sends a comment. */
  readonly heartbeatMs?: number;
  /** Null: no limit and no headers that tell of one. */
  readonly rateLimit?: RateLimitOptions | null;
}

export interface Emulator {
  readonly url: string;
  close(): Promise<void>;
}

/** RunPod's own 60 a minute would be in the way of tests. */
const GENEROUS: RateLimitOptions = { perMinute: 6_000, perHour: 100_000, perDay: 1_000_000 };
const RUNTIME_LAG_MS = 100;
const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

export async function createEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { seed = 1, now = Date.now } = options;
  const boot = {
    provisioningMs: options.provisioningMs ?? 300,
    startingMs: options.startingMs ?? 300,
    runtimeLagMs: RUNTIME_LAG_MS,
  };
  const faults = createFaults(seed);
  const stock = createStock({ seed, now });
  const file = options.stateDir === undefined ? null : openPodFile(options.stateDir);
  const containers = createContainers({
    folder: options.stateDir === undefined ? null : join(resolve(options.stateDir), 'pods'),
    restartMs: options.restartMs ?? 500,
    closeGraceMs: options.closeGraceMs ?? 2_000,
  });
  const { isEmptied, onEmptied, nextBootFailure } = faults;
  const pods = createPods({
    now,
    stock,
    boot,
    file,
    containers,
    grace: {
      stopMs: options.stopGraceMs ?? 10_000,
      reclaimMs: options.reclaimGraceMs ?? 5_000,
    },
    maxProcesses: options.maxProcesses ?? 50,
    nextBootFailure,
    isEmptied,
    onEmptied,
  });
  const requests = createRequestLog();
  const limit = createRateLimit(
    options.rateLimit === undefined ? GENEROUS : options.rateLimit,
    now,
  );
  const graphql = createGraphqlApi(createRoot({ stock, pods, now, boot }));
  const heartbeatMs = options.heartbeatMs ?? 15_000;
  const routes = [
    ...catalogRoutes(stock),
    ...podRoutes({ pods, faults, now, boot, heartbeatMs }),
    ...billingRoutes(pods, now),
  ];

  const control = createControl({
    pods,
    containers,
    faults,
    requests,
    boot,
    now,
    isRouteName,
  });
  const proxy = createProxy({
    portOf,
    cutAfterBytes: faults.proxyCutAfterBytes,
    onCut: faults.onProxyCut,
    maxMs: options.proxyMaxMs ?? 100_000,
  });

  /** A pod that boots or is stopped is known and has nothing that listens. */
  function portOf({ podId, port }: ProxyTarget): number | null {
    const ports = pods.find(podId)?.spec.ports;
    if (ports?.includes(`${port}/http`) !== true) throw new Problem(404, 'no such port of a pod');
    return containers.find(podId)?.portOf(port) ?? null;
  }

  function throughProxy(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Answer> | null {
    const target = readProxyTarget(request.url ?? '/');
    if (target === null) return null;
    requests.proxy();
    return answerUnder(faults.fire([PROXY_ROUTE]), () => proxy(target, request, response));
  }

  function isRouteName(name: string): boolean {
    const [, field] = name.split('graphql:');
    if (field !== undefined) return graphql.rootFields.has(field);
    return (
      name === 'graphql' ||
      name === PROXY_ROUTE ||
      routes.some((route) => name === routeName(route) || name === `* ${route.path}`)
    );
  }

  function callerOf({ headers }: Incoming): Caller {
    return identify(headers.authorization, options.apiKey, pods.living);
  }

  async function rest(incoming: Incoming): Promise<Answer> {
    const match = matchRoute(routes, incoming.method, incoming.path);
    if (match.kind === 'unknown') throw unknownPath();
    if (match.kind === 'wrong-method') throw wrongMethod(match.allow);
    const name = routeName(match.route);
    requests.rest(name);
    return answerUnder(faults.fire([name]), () => {
      const caller = callerOf(incoming);
      if (caller.kind === 'nobody') throw new Problem(401, 'missing bearer token');
      // A pod's own key was seen to be refused by REST.
      if (caller.kind === 'pod') throw new Problem(403, 'access denied');
      return metered(() => match.route.answer(incoming, match.parameters));
    });
  }

  /** Authenticated answers carry the quota, refusals too. */
  function metered(answer: () => Answer): Answer {
    try {
      limit.count();
      return withHeaders(answer(), limit.headers());
    } catch (error) {
      if (error instanceof Problem) return withHeaders(problemAnswer(error), limit.headers());
      throw error;
    }
  }

  async function graphqlAnswer(incoming: Incoming): Promise<Answer> {
    requests.graphql();
    if (incoming.method !== 'POST') throw wrongMethod('POST');
    if (faults.isGraphqlGone()) return jsonAnswer(410, { errors: [{ message: 'Gone' }] });
    const request = readGraphqlRequest(incoming.body);
    const names = ['graphql', ...graphql.fieldsOf(request).map((field) => `graphql:${field}`)];
    return answerUnder(faults.fire(names), () => graphql.answer(request, callerOf(incoming)));
  }

  async function handle(incoming: Incoming): Promise<Answer> {
    if (incoming.path.startsWith(CONTROL_PREFIX)) return control(incoming);
    if (incoming.path === '/graphql') return graphqlAnswer(incoming);
    return rest(incoming);
  }

  const { host = '127.0.0.1', port = 0 } = options;
  if (!LOOPBACK.has(host)) {
    throw new Error(`${host} is not loopback: the emulator is a tool for tests without security`);
  }
  const server = await listen({ host, port, handle, handleUnread: throughProxy });
  return {
    url: server.url,
    async close() {
      pods.close();
      await server.close();
      await containers.close();
    },
  };
}
