/**
 * The server as a process of its own that ends or stops itself at a failpoint. On its standard
 * output: `hit NAME` for each failpoint it comes by, `listening URL` once it answers.
 *
 * CHAOS: a {@link Plan} as JSON; empty: nothing happens to it.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import process from 'node:process';
import { createLog, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Plan } from './server-process.ts';

const plan = JSON.parse(process.env.CHAOS ?? 'null') as Plan | null;
let hits = 0;

function failpoint(name: string): void {
  writeSync(1, `hit ${name}\n`);
  if (plan === null || (plan.failpoint !== null && plan.failpoint !== name)) return;
  hits += 1;
  if (hits !== plan.hit) return;
  writeSync(1, `${plan.signal} ${name}\n`);
  process.kill(process.pid, plan.signal);
}

// Whoever started it has died: so does it.
process.stdin.resume();
process.stdin.on('close', () => process.exit(1));

const config = readConfig(process.env);
const app = await startApp(config, createLog(config), { failpoint });
// It may be killed: what it compiled is for those that come after it.
flushCompileCache();
writeSync(1, `listening ${app.url}\n`);
process.on('SIGTERM', () => {
  void app.close().then(() => process.exit(0));
});
