/** The PostgreSQL of this test run, a fresh schema at a time. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import type { PostgresAnswer } from './postgres-setup.ts';

const answer = (await (await fetch(inject('postgresDesk'))).json()) as PostgresAnswer;

export const hasPostgres = 'url' in answer;
/** For test names: why they did not run. */
export const POSTGRES_MISSING =
  'url' in answer ? '' : ` (skipped: no PostgreSQL here: ${answer.missing.split('\n')[0] ?? ''})`;

/** The URL of an empty schema of its own, dropped when the test ends. Only inside a test. */
export async function freshPostgres(): Promise<string> {
  const schema = `test_${randomBytes(6).toString('hex')}`;
  await runAsAdmin(`create schema ${schema}`);
  onTestFinished(() => runAsAdmin(`drop schema ${schema} cascade`));
  const url = new URL(serverUrl());
  url.searchParams.set('options', `-c search_path=${schema}`);
  return url.href;
}

function serverUrl(): string {
  if ('url' in answer) return answer.url;
  throw new Error(answer.missing);
}

async function runAsAdmin(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
