/**
 * Which programs of a pod the whole of these tests last passed with: `proved.json`, written by a run of
 * all of them. Whoever changes a program afterwards has it tried once more by the gate.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { agentFiles } from '../../src/datasources/agent-payload.ts';

const FILE = join(import.meta.dirname, 'proved.json');

/** Of everything that a pod gets. */
function sumOfPrograms(): string {
  const files = (['toy', 'trl', 'unsloth'] as const).map((backend) => agentFiles(backend));
  return createHash('sha256').update(JSON.stringify(files)).digest('hex');
}

export function isProved(): boolean {
  if (!existsSync(FILE)) return false;
  const { programs } = JSON.parse(readFileSync(FILE, 'utf8')) as { programs?: unknown };
  return programs === sumOfPrograms();
}

export function noteProved(): void {
  writeFileSync(FILE, `${JSON.stringify({ programs: sumOfPrograms() }, null, 2)}\n`);
}
