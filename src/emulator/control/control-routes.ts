/** `/__emulator/…`: what tests and people see and change from outside; not in the real API. */
import { z } from 'zod';
import type { Containers } from '../containers/containers.ts';
import { jsonAnswer, noContent } from '../http/answer.ts';
import type { Answer } from '../http/answer.ts';
import type { Incoming } from '../http/incoming.ts';
import { Problem } from '../http/problem.ts';
import { matchRoute, unknownPath, wrongMethod } from '../http/routing.ts';
import { describeFaults, parseBody, parseJson } from '../http/validation.ts';
import { statusOf, usdAccrued } from '../pods/pod.ts';
import type { BootTimes, Pod } from '../pods/pod.ts';
import type { Pods } from '../pods/pods.ts';
import type { RestRoute } from '../rest/rest-route.ts';
import { faultSchema } from './fault-schema.ts';
import type { Fault } from './fault-schema.ts';
import type { ActiveFault, Faults } from './faults.ts';
import type { RequestLog } from './request-log.ts';

export const CONTROL_PREFIX = '/__emulator/';
const LOOPBACK_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;
const MAX_LINES = 10_000;

export interface ControlDeps {
  readonly pods: Pods;
  readonly containers: Pick<Containers, 'find'>;
  readonly faults: Faults;
  readonly requests: RequestLog;
  /** Whether requests can have this name: a fault at another would never fire. */
  readonly isRouteName: (name: string) => boolean;
  readonly boot: BootTimes;
  readonly now: () => number;
}

const logsSchema = z.strictObject({
  source: z.enum(['container', 'system']).default('container'),
  lines: z.array(z.string()).max(MAX_LINES),
});

export function createControl(deps: ControlDeps): (incoming: Incoming) => Answer {
  const routes = controlRoutes(deps);
  return (incoming) => {
    keepPagesOut(incoming);
    const match = matchRoute(routes, incoming.method, incoming.path);
    switch (match.kind) {
      case 'found':
        return match.route.answer(incoming, match.parameters);
      case 'wrong-method':
        throw wrongMethod(match.allow);
      case 'unknown':
        throw unknownPath();
    }
  };
}

/** No web page may inject faults: browsers name the page's origin, and rebound hosts their own. */
function keepPagesOut({ headers }: Incoming): void {
  if (headers.origin !== undefined || !LOOPBACK_HOST.test(headers.host ?? '')) {
    throw new Problem(403, 'the control API is not for web pages: call it from this machine');
  }
}

function controlRoutes(deps: ControlDeps): readonly RestRoute[] {
  const { pods, faults, requests } = deps;
  return [
    route('GET', 'requests', () => jsonAnswer(200, requests.view())),
    route('DELETE', 'requests', () => {
      requests.reset();
      return noContent();
    }),
    route('GET', 'pods', () => jsonAnswer(200, pods.all().map(recordOf(deps)))),
    route('POST', 'pods/{id}/logs', ({ body }, { id = '' }) => {
      if (pods.find(id) === undefined) throw new Problem(404, 'pod not found');
      const { source, lines } = parseBody(logsSchema, body);
      for (const line of lines) pods.logOf(id).append(source, line);
      return noContent();
    }),
    route('GET', 'faults', () => jsonAnswer(200, faults.list().map(viewFault))),
    route('POST', 'faults', ({ body }) => jsonAnswer(201, viewFault(addFault(body, deps)))),
    route('DELETE', 'faults', () => {
      faults.clear();
      return noContent();
    }),
    route('DELETE', 'faults/{id}', (_incoming, { id = '' }) => {
      if (!faults.remove(id)) throw new Problem(404, 'fault not found');
      return noContent();
    }),
  ];
}

function recordOf({ containers, boot, now }: ControlDeps): (pod: Pod) => object {
  return (pod) => {
    const container = containers.find(pod.id);
    return {
      id: pod.id,
      name: pod.spec.name,
      status: statusOf(pod, now(), boot),
      createdAt: isoOrNull(pod.createdAt),
      terminatedAt: isoOrNull(pod.terminatedAt),
      usdAccrued: usdAccrued(pod, now()),
      restarts: container?.restarts() ?? 0,
      pid: container?.pid() ?? null,
    };
  };
}

function route(method: string, path: string, answer: RestRoute['answer']): RestRoute {
  return { method, path: CONTROL_PREFIX + path, answer };
}

function addFault(body: string, deps: ControlDeps): ActiveFault {
  const { faults, isRouteName } = deps;
  const value = parseJson(body);
  const parsed = faultSchema.safeParse(value);
  if (!parsed.success) {
    throw new Problem(400, 'not a fault', { errors: describeFaults(parsed.error, value) });
  }
  const fault = parsed.data;
  if ('route' in fault && fault.route !== undefined && !isRouteName(fault.route)) {
    throw new Problem(400, `no request is ever named '${fault.route}'`);
  }
  happen(fault, deps);
  return faults.add(fault);
}

/** Some faults happen at once, and once. @throws {Problem} 404 */
function happen(fault: Fault, { pods, containers }: ControlDeps): void {
  if (fault.kind === 'spot-reclaim') pods.reclaim(fault.podId ?? null, fault.mode);
  if (fault.kind === 'host-death') pods.loseHost(fault.podId ?? null, fault.mode);
  if (fault.kind !== 'restart') return;
  const container = containers.find(fault.podId);
  if (container === undefined) throw new Problem(404, 'this pod runs no command');
  container.crash(fault.wipe);
}

function viewFault({ id, fault, fired }: ActiveFault): object {
  return { id, ...fault, fired };
}

function isoOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : new Date(epochMs).toISOString();
}
