import { auditServer } from 'graphql-http';
import { expect, test } from 'vitest';
import { startTestApp } from '../support/start-app.ts';

test("graphql-http's audit of the server finds no error", async () => {
  const { url } = await startTestApp();
  const audits = await auditServer({
    url,
    // CSRF prevention asks for it on GET; a page cannot send it without a preflight.
    fetchFn: (input: string, init?: RequestInit) =>
      fetch(input, {
        ...init,
        headers: [...new Headers(init?.headers), ['apollo-require-preflight', '1']],
      }),
  });
  const errors = audits.filter(({ status }) => status === 'error');
  expect(errors.map(({ name, ...rest }) => [name, 'reason' in rest ? rest.reason : ''])).toEqual(
    [],
  );
  expect(audits.length).toBeGreaterThan(50);
});
