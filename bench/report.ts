/** Measurements → Markdown: a table, and the targets with their verdicts. */
import { SERVER_NAMES, SERVER_TITLES } from './servers.ts';
import type { ServerName } from './servers.ts';
import type { Workload } from './workloads.ts';
import { median, whole } from './figures.ts';

/** One server under one workload in one round. */
export interface Sample {
  readonly server: ServerName;
  readonly workload: Workload['name'];
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server's process, all of its threads. */
  readonly cpuMicrosPerRequest: number;
  /** The same as a share of one core: well below 1, the load was the limit and not the server. */
  readonly busy: number;
}

interface Target {
  readonly server: ServerName;
  readonly than: ServerName;
  readonly workloads: readonly Workload['name'][];
  readonly factor: number;
}

const HEAVY = ['list', '_entities'] as const;
const TARGETS: readonly Target[] = [
  { server: 'reuse', than: 'mercurius-jit', workloads: HEAVY, factor: 1.5 },
  { server: 'reuse', than: 'yoga', workloads: HEAVY, factor: 5 },
  { server: 'execute', than: 'yoga', workloads: HEAVY, factor: 1 },
  { server: 'execute', than: 'mercurius', workloads: HEAVY, factor: 0.8 },
  { server: 'execute', than: 'mercurius', workloads: ['one-field'], factor: 0.7 },
];

export function formatReport(workloads: readonly Workload[], samples: readonly Sample[]): string {
  return [...formatTable(workloads, samples), '', ...formatTargets(samples), ''].join('\n');
}

function formatTable(workloads: readonly Workload[], samples: readonly Sample[]): string[] {
  const rows = workloads.flatMap(({ name }) =>
    SERVER_NAMES.map((server) => {
      const cell = cellOf(samples, server, name);
      const rates = cell.map((sample) => sample.requestsPerSecond);
      const ratios = (['yoga', 'mercurius', 'mercurius-jit'] as const).map(
        (than) => `${ratio(samples, server, than, name).toFixed(2)}×`,
      );
      return [
        name,
        SERVER_TITLES[server],
        whole(median(rates)),
        `${whole(Math.min(...rates))}–${whole(Math.max(...rates))}`,
        whole(median(cell.map((sample) => sample.p99Ms))),
        whole(median(cell.map((sample) => sample.cpuMicrosPerRequest))),
        `${(100 * median(cell.map((sample) => sample.busy))).toFixed(0)} %`,
        ...ratios,
      ];
    }),
  );
  const head = [
    'Workload',
    'Server',
    'requests/s',
    'least–most',
    'p99 ms',
    'CPU µs/request',
    'CPU busy',
    '/ yoga',
    '/ mercurius',
    '/ mercurius JIT',
  ];
  const rule = head.map((_, column) => (column < 2 ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

function formatTargets(samples: readonly Sample[]): string[] {
  const rows = TARGETS.flatMap(({ server, than, workloads, factor }) =>
    workloads.map((workload) => {
      const reached = ratio(samples, server, than, workload);
      const verdict = reached >= factor ? 'pass' : '**FAIL**';
      const sentence = `${SERVER_TITLES[server]} ≥ ${factor} × ${SERVER_TITLES[than]}`;
      return `| ${sentence} | ${workload} | ${reached.toFixed(2)}× | ${verdict} |`;
    }),
  );
  return ['| Target | Workload | Measured | |', '| --- | --- | ---: | --- |', ...rows];
}

function ratio(
  samples: readonly Sample[],
  server: ServerName,
  than: ServerName,
  workload: Workload['name'],
): number {
  const rate = (name: ServerName): number =>
    median(cellOf(samples, name, workload).map((sample) => sample.requestsPerSecond));
  return rate(server) / rate(than);
}

function cellOf(
  samples: readonly Sample[],
  server: ServerName,
  workload: Workload['name'],
): readonly Sample[] {
  return samples.filter((sample) => sample.server === server && sample.workload === workload);
}
