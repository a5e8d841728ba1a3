/** Pods whose trainer writes numbered lines. */
import { fileURLToPath } from 'node:url';

const TRAINER = fileURLToPath(new URL('./trainer.py', import.meta.url));

/** Their environment; `rate`: lines a second. */
export function canaryPods(lines: number, rate: number): Readonly<Record<string, string>> {
  return { AGENT_TRAINER: TRAINER, CANARY_LINES: String(lines), CANARY_RATE: String(rate) };
}
