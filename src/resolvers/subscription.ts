import { encodeCursor } from '../domain/job/log-cursor.ts';
import type { CursorKind } from '../domain/job/log-cursor.ts';
import type { Job } from '../domain/job/job.ts';
import type { Resolvers } from './__generated__/schema.ts';
import type { LogBatch, MetricBatch, StreamEnd } from './connections.ts';

/** Before the first record there is nothing to go on behind. */
function cursorAt(kind: CursorKind, jobId: string, place: number): string | null {
  return place === 0 ? null : encodeCursor(kind, jobId, place);
}

export const subscriptionResolvers: Resolvers = {
  Subscription: {
    // What a stream sends is resolved as it is: its events are the payloads.
    trainingJobLogs: {
      subscribe: (_parent, { jobId, after, filter }, { streams }) =>
        streams.logs(jobId, { after, filter }),
      resolve: (event: LogBatch | StreamEnd) => event,
    },
    trainingJobMetrics: {
      subscribe: (_parent, { jobId, after }, { streams }) => streams.metrics(jobId, after),
      resolve: (event: MetricBatch | StreamEnd) => event,
    },
    trainingJobChanged: {
      subscribe: (_parent, { jobId }, { streams }) => streams.changes(jobId),
      resolve: (job: Job) => job,
    },
  },
  TrainingJobLogEvent: {
    __resolveType: ({ kind }) => (kind === 'batch' ? 'LogBatch' : 'StreamEnd'),
  },
  TrainingJobMetricEvent: {
    __resolveType: ({ kind }) => (kind === 'batch' ? 'MetricBatch' : 'StreamEnd'),
  },
  LogBatch: {
    firstSeq: ({ items }) => items[0]?.seq ?? null,
    count: ({ items }) => items.length,
    text: ({ items }) => items.map(({ text }) => text).join('\n'),
    lines: ({ jobId, items }) =>
      items.map((line) => ({ ...line, cursor: encodeCursor('log', jobId, line.seq) })),
    previousCursor: ({ jobId, from }) => cursorAt('log', jobId, from),
    endCursor: ({ jobId, to }) => cursorAt('log', jobId, to),
  },
  MetricBatch: {
    points: ({ items }) => items,
    endCursor: ({ jobId, to }) => cursorAt('metrics', jobId, to),
  },
  StreamEnd: {
    cursor: ({ jobId, of, to }) => cursorAt(of, jobId, to),
  },
};
