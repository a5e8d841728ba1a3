/** Who a bearer token belongs to. */
import { timingSafeEqual, createHash } from 'node:crypto';
import { Problem } from './http/problem.ts';
import type { Pod } from './pods/pod.ts';

export type Caller =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'account' }
  /** A pod, by the key that was put into its environment. */
  | { readonly kind: 'pod'; readonly podId: string };

/** @throws {Problem} 401 for a token that is nobody's. `apiKey` undefined: any will do. */
export function identify(
  authorization: string | undefined,
  apiKey: string | undefined,
  living: () => readonly Pod[],
): Caller {
  const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) return { kind: 'nobody' };
  if (token.startsWith('pod_')) {
    const pod = living().find((each) => isSame(each.apiKey, token));
    if (pod !== undefined) return { kind: 'pod', podId: pod.id };
    throw new Problem(401, 'invalid bearer token');
  }
  if (apiKey === undefined || isSame(apiKey, token)) return { kind: 'account' };
  throw new Problem(401, 'invalid bearer token');
}

function isSame(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
