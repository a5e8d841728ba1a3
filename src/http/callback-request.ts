/** What of a request to be called back must be in order before anybody is called. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { refused } from './refusal.ts';
import type { Refusal } from './refusal.ts';

export interface CallbackSettings {
  /** Routers' own URLs: these, and what lies below them, may be called. */
  readonly urls: readonly string[];
  /** What routers send as `Router-Authorization`. */
  readonly secret: string;
}

/** Of the protocol: where to call, and how the router knows us. */
export type CallbackTarget = z.infer<typeof targetSchema>;

const targetSchema = z.object({
  callbackUrl: z.url({ protocol: /^https?$/ }).max(2_048),
  subscriptionId: z.string().min(1).max(256),
  verifier: z.string().max(4_096),
  heartbeatIntervalMs: z.number().int().min(0).max(3_600_000).default(0),
});

/** Undefined: nobody asked to be called back. */
export function callbackExtensionOf(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !('extensions' in body)) return undefined;
  const { extensions } = body;
  if (typeof extensions !== 'object' || extensions === null) return undefined;
  return 'subscription' in extensions ? (extensions.subscription ?? undefined) : undefined;
}

export function readTarget(
  headers: IncomingHttpHeaders,
  extension: unknown,
  settings: CallbackSettings | undefined,
): Refusal | ({ readonly kind: 'target' } & CallbackTarget) {
  if (settings === undefined) return refused(400, 'BAD_REQUEST', OFF);
  if (!isSame(headers['router-authorization'], settings.secret)) {
    return refused(401, 'UNAUTHENTICATED', NO_SECRET);
  }
  const { data: target, error } = targetSchema.safeParse(extension);
  if (target === undefined) {
    const [issue] = error.issues;
    const message = `extensions.subscription.${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    return refused(400, 'BAD_REQUEST', message);
  }
  if (!isAllowed(target.callbackUrl, settings.urls)) return refused(403, 'FORBIDDEN', NOT_LISTED);
  return { kind: 'target', ...target };
}

/** In a time that tells nothing of how much of it is right. */
function isSame(sent: string | string[] | undefined, secret: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return typeof sent === 'string' && timingSafeEqual(hash(sent), hash(secret));
}

/** By origin and whole names of the path; dots in it are resolved by then. */
function isAllowed(url: string, allowed: readonly string[]): boolean {
  const { origin, pathname, username, password } = new URL(url);
  if (username !== '' || password !== '') return false;
  return allowed.some((each) => {
    const listed = new URL(each);
    const folder = listed.pathname.replace(/\/*$/, '/');
    return origin === listed.origin && `${pathname}/`.startsWith(folder);
  });
}

const OFF =
  'This server calls nobody back: set CALLBACK_URLS and ROUTER_SECRET, or subscribe over WebSocket or with Accept: text/event-stream.';
const NO_SECRET = 'To be called back, send the ROUTER_SECRET as header Router-Authorization.';
const NOT_LISTED = 'This callback URL is not below one of CALLBACK_URLS.';
