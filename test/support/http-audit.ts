/** graphql-http's audit of a server: what the GraphQL-over-HTTP specification asks, and what came. */
import { auditServer } from 'graphql-http';

export interface AuditRow {
  readonly id: string;
  readonly name: string;
  readonly status: 'ok' | 'notice' | 'warn' | 'error';
  /** Empty where it is ok. */
  readonly reason: string;
}

export async function auditHttp(url: string): Promise<readonly AuditRow[]> {
  const audits = await auditServer({
    url,
    // CSRF prevention asks for it on GET; a page cannot send it without a preflight.
    fetchFn: (input: string, init?: RequestInit) =>
      fetch(input, {
        ...init,
        headers: [...new Headers(init?.headers), ['apollo-require-preflight', '1']],
      }),
  });
  return audits.map((audit) => ({
    id: audit.id,
    name: audit.name,
    status: audit.status,
    reason: 'reason' in audit ? audit.reason : '',
  }));
}
