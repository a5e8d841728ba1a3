/**
 * `npm run audit:http`: starts the server with the emulator on a free port and audits it by
 * graphql-http's suite; prints what came of each audit, and fails if one is an error.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { startApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { auditHttp } from '../test/support/http-audit.ts';
import type { AuditRow } from '../test/support/http-audit.ts';

const STATUSES = ['ok', 'notice', 'warn', 'error'] as const;

await using run = new AsyncDisposableStack();
const dataDir = await mkdtemp(join(tmpdir(), 'runpod-subgraph-audit-'));
run.defer(() => rm(dataDir, { recursive: true, force: true }));
const app = await startApp(readConfig({ PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'silent' }));
run.defer(() => app.close());

const rows = await auditHttp(`${app.url}/graphql`);
process.stdout.write(`${rows.map(lineOf).join('\n')}\n\n${summaryOf(rows)}\n`);
if (rows.some(({ status }) => status === 'error')) process.exitCode = 1;

function lineOf({ id, name, status, reason }: AuditRow): string {
  return `${status.padEnd(6)}  ${id}  ${name}${reason === '' ? '' : `\n        ${reason}`}`;
}

function summaryOf(all: readonly AuditRow[]): string {
  const counts = STATUSES.map((status) => {
    const count = all.filter((row) => row.status === status).length;
    return `${count} ${status}`;
  });
  return `${all.length} audits: ${counts.join(', ')}`;
}
