import { expect, test } from 'vitest';
import { auditHttp } from '../support/http-audit.ts';
import { startTestApp } from '../support/start-app.ts';

test("graphql-http's audit of the server finds no error", async () => {
  const { url } = await startTestApp();
  const audits = await auditHttp(url);
  expect(audits.filter(({ status }) => status === 'error')).toEqual([]);
  expect(audits.length).toBeGreaterThan(50);
});
