/** The failpoints of the source: each is a literal `failpoint('…')`. */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../../src', import.meta.url));
const LITERAL = /failpoint\('([\w.-]+)'\)/g;

export function findFailpoints(): readonly string[] {
  const names = globSync('**/*.ts', { cwd: SOURCE }).flatMap((file) =>
    [...readFileSync(`${SOURCE}/${file}`, 'utf8').matchAll(LITERAL)].map(([, name = '']) => name),
  );
  return [...new Set(names)].sort();
}
