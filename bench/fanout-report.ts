/** Measurements of fan-out → Markdown: tables, and the targets with their verdicts. */
import type { VariantName } from './fanout-variants.ts';
import { median, whole } from './figures.ts';

export interface FanoutSample {
  readonly variant: VariantName;
  readonly readers: number;
  readonly lines: number;
  /** Messages that arrived. */
  readonly perSecond: number;
  /** CPU time of the server's process per message, all of its threads. */
  readonly cpuMicros: number;
  /** What a query waits for its turn meanwhile: 99th percentile of the event loop's delay. */
  readonly waitMs: number;
}

export interface MemorySample {
  readonly variant: VariantName;
  readonly readers: number;
  readonly bytesPerReader: number;
}

export interface LatencySample {
  readonly variant: VariantName;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Target {
  readonly ours: VariantName;
  readonly than: VariantName;
  readonly readers: number;
  readonly lines: number;
  readonly factor: number;
}

const TARGETS: readonly Target[] = [
  { ours: 'ours', than: 'ws', readers: 1_000, lines: 20, factor: 0.9 },
  { ours: 'ours', than: 'raw', readers: 1_000, lines: 20, factor: 0.7 },
  { ours: 'ours', than: 'stock', readers: 1_000, lines: 20, factor: 8 },
  { ours: 'ours', than: 'stock', readers: 1_000, lines: 1, factor: 4 },
  { ours: 'ours', than: 'ws', readers: 10_000, lines: 20, factor: 0.9 },
  { ours: 'ours-jobs', than: 'stock-jobs', readers: 1_000, lines: 20, factor: 1 },
  { ours: 'ours-jobs', than: 'stock-jobs', readers: 1_000, lines: 1, factor: 1 },
];
const MAX_BYTES_PER_READER = 35 * 1_000;
const MAX_P99_FACTOR = 1.25;

export function formatFanout(
  samples: readonly FanoutSample[],
  memory: readonly MemorySample[],
  delays: readonly LatencySample[],
): string {
  const parts = [
    deliveryTable(samples),
    targetTable(samples, memory, delays),
    memoryTable(memory),
    delayTable(delays),
  ];
  return `${parts.map((rows) => rows.join('\n')).join('\n\n')}\n`;
}

function deliveryTable(samples: readonly FanoutSample[]): string[] {
  const cells = new Map(
    samples.map((each) => [`${each.readers} ${each.lines} ${each.variant}`, each]),
  );
  const rows = [...cells.values()]
    .map(({ variant, readers, lines }) => {
      const mine = samples.filter(
        (each) => each.variant === variant && each.readers === readers && each.lines === lines,
      );
      const rates = mine.map(({ perSecond }) => perSecond);
      return {
        variant,
        readers,
        lines,
        rates,
        cpu: medianOf(mine, 'cpuMicros'),
        wait: medianOf(mine, 'waitMs'),
      };
    })
    .sort((a, b) => a.readers - b.readers || a.lines - b.lines)
    .map(({ variant, readers, lines, rates, cpu, wait }) => [
      whole(readers),
      String(lines),
      variant,
      whole(median(rates)),
      `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`,
      cpu.toFixed(1),
      wait.toFixed(1),
    ]);
  return table(
    ['Readers', 'Lines', 'Way', 'messages/s', 'least–most', 'CPU µs/message', 'p99 wait ms'],
    rows,
    [2],
  );
}

function targetTable(
  samples: readonly FanoutSample[],
  memory: readonly MemorySample[],
  delays: readonly LatencySample[],
): string[] {
  const rows = TARGETS.flatMap(({ ours, than, readers, lines, factor }) => {
    const cellOf = (variant: VariantName) =>
      samples.filter(
        (each) => each.variant === variant && each.readers === readers && each.lines === lines,
      );
    const rate = medianOf(cellOf(ours), 'perSecond') / medianOf(cellOf(than), 'perSecond');
    const cpu = medianOf(cellOf(than), 'cpuMicros') / medianOf(cellOf(ours), 'cpuMicros');
    const name = `${ours} ≥ ${factor} × ${than}, ${whole(readers)} readers × ${lines}`;
    return [
      [name, `${rate.toFixed(2)}×`, `${cpu.toFixed(2)}×`, verdict(rate >= factor && cpu >= factor)],
    ];
  });
  const bytes = memory.filter(({ variant }) => variant === 'ours').at(-1)?.bytesPerReader ?? NaN;
  const p99 = (name: VariantName) =>
    medianOf(
      delays.filter((each) => each.variant === name),
      'p99Ms',
    );
  const slower = p99('ours') / p99('raw');
  rows.push(
    [
      `memory per reader ≤ ${MAX_BYTES_PER_READER / 1_000} kB`,
      `${(bytes / 1_000).toFixed(1)} kB`,
      '',
      verdict(bytes <= MAX_BYTES_PER_READER),
    ],
    [
      `p99 at 20 batches/s ≤ ${MAX_P99_FACTOR} × raw`,
      `${slower.toFixed(2)}×`,
      '',
      verdict(slower <= MAX_P99_FACTOR),
    ],
  );
  return table(['Target', 'by rate', 'by CPU time', ''], rows, [0, 3]);
}

function memoryTable(memory: readonly MemorySample[]): string[] {
  const rows = memory.map(({ variant, readers, bytesPerReader }) => [
    variant,
    whole(readers),
    (bytesPerReader / 1_000).toFixed(1),
  ]);
  return table(['Way', 'Readers', 'kB per added reader'], rows, [0]);
}

function delayTable(delays: readonly LatencySample[]): string[] {
  const rows = [...new Set(delays.map(({ variant }) => variant))].map((name) => {
    const mine = delays.filter(({ variant }) => variant === name);
    return [name, medianOf(mine, 'p50Ms').toFixed(1), medianOf(mine, 'p99Ms').toFixed(1)];
  });
  return table(['Way', 'p50 ms', 'p99 ms'], rows, [0]);
}

function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  left: readonly number[],
) {
  const rule = head.map((_, column) => (left.includes(column) ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function verdict(isMet: boolean): string {
  return isMet ? 'pass' : '**FAIL**';
}

function medianOf<K extends string>(
  samples: readonly Readonly<Record<K, number>>[],
  key: K,
): number {
  return median(samples.map((sample) => sample[key]));
}
