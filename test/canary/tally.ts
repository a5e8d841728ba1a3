/** What a run counts, as it goes on and at its end. */
import { addFaults, noFaults } from './line-check.ts';
import type { Verdict } from './line-check.ts';
import type { Plan } from './plan.ts';
import type { Cuts } from './reader.ts';
import type { Trouble } from './trouble.ts';

export type Tally = ReturnType<typeof startTally>;

export function startTally({ jobs }: Plan) {
  const startedAt = performance.now();
  const faults = noFaults();
  const cuts: Cuts = { cuts: 0, losses: 0, seams: 0 };
  const counts = { jobs: 0, attempts: 0, stored: 0, readings: 0, delivered: 0 };
  const odd = { toldMissing: 0, differing: 0 };
  const seconds = () => Math.round((performance.now() - startedAt) / 1_000);
  return {
    faults,
    cuts,
    counts,
    odd,
    seconds,
    /** One reader's log. */
    add(verdict: Verdict): void {
      addFaults(faults, verdict);
      counts.readings += 1;
    },
    progress: () =>
      `${seconds()} s: ${counts.jobs} of ${jobs} jobs, ${counts.delivered} lines read, ` +
      `${cuts.cuts} cuts, missing ${faults.missing}, doubled ${faults.doubled}, ` +
      `disordered ${faults.disordered}, altered ${faults.altered}`,
  };
}

export function closingTable(plan: Plan, tally: Tally, trouble: Trouble): string {
  const { faults, cuts, counts, odd } = tally;
  const fired = [...trouble.fired].map(([kind, times]) => `${kind} ${times}`).join(', ');
  const rows: readonly (readonly [string, string | number])[] = [
    ['seed', plan.seed],
    ['jobs × lines', `${plan.jobs} × ${plan.lines}`],
    ['jobs completed, attempts', `${counts.jobs}, ${counts.attempts}`],
    ['lines stored, of all sources and attempts', counts.stored],
    ['readers, lines they were sent', `${counts.readings}, ${counts.delivered}`],
    ['missing', faults.missing],
    ['doubled', faults.doubled],
    ['disordered', faults.disordered],
    ['altered', faults.altered],
    ['batches that began elsewhere', cuts.seams],
    ['logs that differ by page or as a file', odd.differing],
    ['lines of restarted containers, lost and told', odd.toldMissing],
    ['SIGKILLs of the server', trouble.kills],
    ['containers restarted', trouble.restarts],
    ['readers cut by themselves, by the server', `${cuts.cuts}, ${cuts.losses}`],
    ['faults fired', fired],
    ['seconds', tally.seconds()],
  ];
  return [
    '| Canary | |',
    '| --- | ---: |',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
  ]
    .join('\n')
    .concat('\n');
}
