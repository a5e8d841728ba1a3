import { z } from 'zod';
import type { Faults } from '../control/faults.ts';
import { jsonAnswer, noContent } from '../http/answer.ts';
import type { Answer } from '../http/answer.ts';
import type { Incoming } from '../http/incoming.ts';
import { Problem } from '../http/problem.ts';
import { parseBody, parseQuery, queryInteger } from '../http/validation.ts';
import { viewPod } from '../pods/pod.ts';
import type { BootTimes, Pod } from '../pods/pod.ts';
import type { Pods } from '../pods/pods.ts';
import { podLogAnswer } from './pod-log-stream.ts';
import { actionSchema, readCreateRequest } from './pod-request.ts';
import type { RestRoute } from './rest-route.ts';

export interface PodRoutesDeps {
  readonly pods: Pods;
  readonly faults: Faults;
  readonly now: () => number;
  readonly boot: BootTimes;
  readonly heartbeatMs: number;
}

const DEFAULT_PAGE = 1_000;
const listSchema = z.object({
  limit: queryInteger(1, 1_000).optional(),
  cursor: z.string().optional(),
});

export function podRoutes(deps: PodRoutesDeps): readonly RestRoute[] {
  const { pods, faults, now, boot } = deps;
  const view = (pod: Pod): object => viewPod(pod, now(), boot);

  function list({ query }: Incoming): Answer {
    const { limit = DEFAULT_PAGE, cursor } = parseQuery(listSchema, query);
    const lagMs = faults.listingLagMs();
    const listed = after(cursor).filter(
      (pod) => pod.terminatedAt === null && now() - pod.createdAt >= lagMs,
    );
    const page = listed.slice(0, limit);
    const hasNextPage = page.length < listed.length;
    return jsonAnswer(200, {
      pods: page.map(view),
      pagination: { nextCursor: hasNextPage ? (page.at(-1)?.id ?? null) : null, hasNextPage },
    });
  }

  /** A cursor is the last pod of its page, which may have ended since. */
  function after(cursor: string | undefined): readonly Pod[] {
    const all = pods.all();
    if (cursor === undefined) return all;
    const index = all.findIndex(({ id }) => id === cursor);
    if (index === -1) throw new Problem(400, 'invalid cursor');
    return all.slice(index + 1);
  }

  function find(id: string): Pod {
    const pod = pods.find(id);
    if (pod === undefined || faults.isTooEarly(now() - pod.createdAt)) {
      throw new Problem(404, 'pod not found');
    }
    return pod;
  }

  return [
    { method: 'GET', path: '/v2/pods', answer: list },
    {
      method: 'POST',
      path: '/v2/pods',
      answer: ({ body }) => jsonAnswer(201, view(pods.rent(readCreateRequest(body)))),
    },
    {
      method: 'GET',
      path: '/v2/pods/{id}',
      answer: (_incoming, { id = '' }) => jsonAnswer(200, view(find(id))),
    },
    {
      method: 'DELETE',
      path: '/v2/pods/{id}',
      answer: (_incoming, { id = '' }) => {
        pods.act(id, 'terminate');
        return noContent();
      },
    },
    {
      method: 'POST',
      path: '/v2/pods/{id}/action',
      answer: ({ body }, { id = '' }) => {
        const { action } = parseBody(actionSchema, body);
        const pod = pods.act(id, action);
        return action === 'terminate' ? noContent() : jsonAnswer(200, view(pod));
      },
    },
    {
      method: 'GET',
      path: '/v2/pods/{id}/logs',
      answer: (incoming, { id = '' }) =>
        podLogAnswer(incoming, pods.logOf(find(id).id), faults.sse(), deps.heartbeatMs),
    },
  ];
}
