/**
 * Keeps web pages out. A page on any site can make its visitor's browser call 127.0.0.1; without
 * this it could rent GPUs on the visitor's key.
 *
 * - `Host` must name this server: a page that rebinds its own DNS name to 127.0.0.1 is refused.
 * - `Origin`, which browsers send and pages cannot forge, must be this server's or an allowed one.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface GuardOptions {
  /** Lower-case host names, with or without port; `*` for any. Loopback names always pass. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
}

export type Verdict =
  | { readonly kind: 'pass'; readonly origin: string | undefined }
  | { readonly kind: 'refuse'; readonly status: 403 | 421; readonly reason: string };

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

export function createGuard(options: GuardOptions): (headers: IncomingHttpHeaders) => Verdict {
  const hosts = new Set(options.allowedHosts);
  const origins = new Set(options.allowedOrigins);

  function isKnownHost(host: string): boolean {
    const name = host.replace(/:\d+$/, '');
    return hosts.has('*') || LOOPBACK_NAMES.has(name) || hosts.has(name) || hosts.has(host);
  }

  function isKnownOrigin(origin: string, host: string): boolean {
    return origins.has(origin) || origin === `http://${host}` || origin === `https://${host}`;
  }

  return (headers) => {
    const host = headers.host?.toLowerCase();
    if (host === undefined || !isKnownHost(host)) {
      const reason = `Host ${JSON.stringify(host ?? '')} is not a name of this server: add it to ALLOWED_HOSTS.`;
      return { kind: 'refuse', status: 421, reason };
    }
    const { origin } = headers;
    if (origin !== undefined && !isKnownOrigin(origin, host)) {
      const reason = `Pages of ${JSON.stringify(origin)} may not call this server: add it to ALLOWED_ORIGINS.`;
      return { kind: 'refuse', status: 403, reason };
    }
    return { kind: 'pass', origin };
  };
}
