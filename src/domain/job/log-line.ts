export const LOG_SOURCES = ['STDOUT', 'STDERR', 'SYSTEM', 'LIFECYCLE'] as const;
export type LogSource = (typeof LOG_SOURCES)[number];

/** A line before it has its number. `at` is epoch ms. */
export interface NewLogLine {
  readonly at: number;
  readonly source: LogSource;
  /** 0: of no attempt. */
  readonly attempt: number;
  readonly text: string;
}

export interface LogLine extends NewLogLine {
  /** From 1, without gaps, per job. */
  readonly seq: number;
}

export interface NewMetricPoint {
  readonly at: number;
  readonly step: number | null;
  readonly epoch: number | null;
  readonly name: string;
  /** Null: not a number. */
  readonly value: number | null;
}

export interface MetricPoint extends NewMetricPoint {
  readonly seq: number;
}
