/** Counts, as Loki's canary does, what a reader of numbered lines lacks, has twice, has too late. */
import { createHash } from 'node:crypto';

export interface SeenLine {
  readonly seq: number;
  /** ISO 8601. */
  readonly at: string;
  readonly source: string;
  readonly attempt: number;
  readonly text: string;
}

export interface Faults {
  /** Numbers that never came. */
  missing: number;
  doubled: number;
  /** Came behind a higher number. */
  disordered: number;
  /** Lines that are not what was written. */
  altered: number;
}

export const noFaults = (): Faults => ({ missing: 0, doubled: 0, disordered: 0, altered: 0 });

export function addFaults(sum: Faults, more: Faults): void {
  sum.missing += more.missing;
  sum.doubled += more.doubled;
  sum.disordered += more.disordered;
  sum.altered += more.altered;
}

export interface Verdict extends Faults {
  readonly lines: number;
  /** Of its own lines, the last number of each attempt; all but the last may have been cut short. */
  readonly lastNumbers: readonly number[];
  /** Lines of attempts that were ended early whose loss the log itself tells. */
  readonly toldMissing: number;
  /** Of all lines: two logs are the same when theirs are. */
  readonly digest: string;
}

export interface LineCheck {
  readonly take: (lines: readonly SeenLine[]) => void;
  verdict(): Verdict;
}

/** Numbers from 1. */
function createSequence(faults: Faults) {
  const missing = new Set<number>();
  let next = 1;
  return {
    last: () => next - 1,
    take(number: number): void {
      if (number < next) {
        if (missing.delete(number)) faults.disordered += 1;
        else faults.doubled += 1;
        return;
      }
      for (let lost = next; lost < number; lost += 1) missing.add(lost);
      next = number + 1;
    },
    missing: () => missing.size,
  };
}

const TOLD = /^(One|\d+) lines? (?:is|are) missing here/;
const OWN = /^(\w+) (\d+) (x*)$/;

export function createLineCheck(): LineCheck {
  const faults = noFaults();
  const whole = createSequence(faults);
  const attempts = new Map<number, { pod: string; numbers: ReturnType<typeof createSequence> }>();
  const told = new Map<number, number>();
  const hash = createHash('sha256');
  let count = 0;

  function takeOwn({ attempt, text }: SeenLine): void {
    const [, pod = '', digits, padding = ''] = OWN.exec(text) ?? [];
    const number = Number(digits);
    if (digits === undefined || padding.length !== (number * 7) % 97) {
      faults.altered += 1;
      return;
    }
    let own = attempts.get(attempt);
    if (own === undefined) attempts.set(attempt, (own = { pod, numbers: createSequence(faults) }));
    if (own.pod !== pod) faults.altered += 1;
    else own.numbers.take(number);
  }

  function takeTold({ attempt, text }: SeenLine): void {
    const [, number] = TOLD.exec(text) ?? [];
    if (number === undefined) return;
    told.set(attempt, (told.get(attempt) ?? 0) + (number === 'One' ? 1 : Number(number)));
  }

  return {
    take(lines) {
      let text = '';
      for (const line of lines) {
        whole.take(line.seq);
        if (line.source === 'STDOUT') takeOwn(line);
        if (line.source === 'LIFECYCLE') takeTold(line);
        text += `${line.seq} ${line.at} ${line.source} ${line.attempt} ${line.text}\n`;
      }
      count += lines.length;
      hash.update(text);
    },
    verdict() {
      const own = [...attempts.entries()].sort(([a], [b]) => a - b);
      const last = own.at(-1)?.[0];
      let missing = whole.missing();
      let toldMissing = 0;
      for (const [attempt, { numbers }] of own) {
        // Of the attempt that was not ended, nothing may be missing.
        const excused = attempt === last ? 0 : (told.get(attempt) ?? 0);
        missing += Math.max(0, numbers.missing() - excused);
        toldMissing += excused;
      }
      return {
        ...faults,
        missing: missing + (last === undefined ? 0 : (told.get(last) ?? 0)),
        lines: count,
        lastNumbers: own.map(([, { numbers }]) => numbers.last()),
        toldMissing,
        digest: hash.copy().digest('hex'),
      };
    },
  };
}
