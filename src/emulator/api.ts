/** Which request goes where, what is counted of it, and which faults it meets on its way. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { identify } from './access.ts';
import type { Caller } from './access.ts';
import type { Containers } from './containers/containers.ts';
import { CONTROL_PREFIX, createControl } from './control/control-routes.ts';
import { answerUnder } from './control/fault-answer.ts';
import { PROXY_ROUTE } from './control/faults.ts';
import type { Faults } from './control/faults.ts';
import { createRequestLog } from './control/request-log.ts';
import { readGraphqlRequest } from './graphql/graphql.ts';
import type { GraphqlApi } from './graphql/graphql.ts';
import { jsonAnswer, withHeaders } from './http/answer.ts';
import type { Answer } from './http/answer.ts';
import type { Incoming } from './http/incoming.ts';
import { Problem, problemAnswer } from './http/problem.ts';
import { createProxy, readProxyTarget } from './http/proxy.ts';
import type { ProxyTarget } from './http/proxy.ts';
import { matchRoute, routeName, unknownPath, wrongMethod } from './http/routing.ts';
import type { ListenOptions } from './http/server.ts';
import type { BootTimes } from './pods/pod.ts';
import type { Pods } from './pods/pods.ts';
import type { RateLimit } from './rest/rate-limit.ts';
import type { RestRoute } from './rest/rest-route.ts';

export interface ApiDeps {
  readonly pods: Pods;
  readonly containers: Containers;
  readonly faults: Faults;
  readonly routes: readonly RestRoute[];
  readonly graphql: GraphqlApi;
  readonly limit: RateLimit;
  readonly apiKey: string | undefined;
  readonly proxyMaxMs: number;
  readonly boot: BootTimes;
  readonly now: () => number;
}

export function createApi(deps: ApiDeps): Pick<ListenOptions, 'handle' | 'handleUnread'> {
  const { pods, containers, faults, routes, graphql, limit, apiKey, boot, now } = deps;
  const requests = createRequestLog();
  const control = createControl({ pods, containers, faults, requests, boot, now, isRouteName });
  const proxy = createProxy({
    portOf,
    cutAfterBytes: faults.proxyCutAfterBytes,
    onCut: faults.onProxyCut,
    maxMs: deps.proxyMaxMs,
  });

  /** A pod that boots or is stopped is known and has nothing that listens. */
  function portOf({ podId, port }: ProxyTarget): number | null {
    const ports = pods.find(podId)?.spec.ports;
    if (ports?.includes(`${port}/http`) !== true) throw new Problem(404, 'no such port of a pod');
    return containers.find(podId)?.portOf(port) ?? null;
  }

  function handleUnread(
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
    return identify(headers.authorization, apiKey, pods.living);
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

  return { handle, handleUnread };
}
