/**
 * How large a canary is: small with every `npm test`, full by `npm run test:canary`, and each number
 * by its own variable (CANARY_JOBS, CANARY_LINES, …).
 */
import process from 'node:process';

export interface Plan {
  readonly seed: number;
  /** All at once. */
  readonly jobs: number;
  /** Of each job. */
  readonly lines: number;
  /** Lines a second that each job writes. */
  readonly rate: number;
  /** Shared out among the jobs, at least one each. */
  readonly readers: number;
  /** Each at a moment of chance: when so many of all lines have come to readers. */
  readonly kills: number;
  /** Containers that are killed while they train: another attempt begins from the first line. */
  readonly restarts: number;
  /** After which the run is given up. */
  readonly deadlineMs: number;
}

const SMALL: Plan = {
  seed: 1,
  jobs: 2,
  lines: 1_000,
  rate: 200,
  readers: 8,
  kills: 3,
  restarts: 1,
  deadlineMs: 90_000,
};

const FULL: Plan = {
  seed: 1,
  jobs: 100,
  lines: 10_000,
  rate: 40,
  readers: 200,
  kills: 50,
  restarts: 5,
  deadlineMs: 1_500_000,
};

export const isFull = process.env.CANARY === 'full';

export function readPlan(): Plan {
  const base = isFull ? FULL : SMALL;
  return {
    seed: numberOf('CANARY_SEED', base.seed),
    jobs: numberOf('CANARY_JOBS', base.jobs),
    lines: numberOf('CANARY_LINES', base.lines),
    rate: numberOf('CANARY_RATE', base.rate),
    readers: numberOf('CANARY_READERS', base.readers),
    kills: numberOf('CANARY_KILLS', base.kills),
    restarts: numberOf('CANARY_RESTARTS', base.restarts),
    deadlineMs: numberOf('CANARY_DEADLINE_MS', base.deadlineMs),
  };
}

function numberOf(name: string, otherwise: number): number {
  const text = process.env[name] ?? '';
  if (text === '') return otherwise;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${name}: got ${JSON.stringify(text)}; expected a whole number`);
}
