/** Subscriptions: from the stream a resolver opened to the results that are sent. */
import { createSourceEventStream, execute } from 'graphql';
import type { ExecutionResult } from 'graphql';
import { interruptible } from '../domain/interruptible.ts';
import type { Interrupt } from '../domain/interruptible.ts';
import type { LogStream, MetricStream } from '../logs/tail-streams.ts';
import type { Operation } from './operations.ts';

export type Results = AsyncIterableIterator<ExecutionResult, void, void>;

/** How long a client may take to read what waits for it, before it is looked at again. */
const LOOK_AGAIN_MS = 60_000;

export interface StreamResultsDeps {
  /** For streams that several clients may share. */
  readonly followLogs: (operation: Operation, stream: LogStream) => Results;
}

/** As `subscribe` of graphql-js, but every event sees what is stored by then. */
export function createSubscribe({ followLogs }: StreamResultsDeps) {
  return async (operation: Operation): Promise<ExecutionResult | Results> => {
    const source = (await createSourceEventStream(operation)) as Source | ExecutionResult;
    if (!(Symbol.asyncIterator in source)) return source;
    if ('kind' in source) operation.reader.expectGoodbye();
    if ('kind' in source && source.kind === 'logs') return followLogs(operation, source);
    return interruptible((interrupt) => followAlone(operation, source, interrupt));
  };
}

type Source = LogStream | MetricStream | AsyncIterableIterator<unknown, void, void>;

async function* followAlone(
  operation: Operation,
  source: Source,
  interrupt: Interrupt,
): AsyncGenerator<ExecutionResult, void, void> {
  const end = () => void source.return?.();
  try {
    while (!interrupt.isRaised) {
      // The next is asked for when the last was sent, but other operations send as well.
      if (operation.reader.isFull()) {
        await operation.reader.drained(LOOK_AGAIN_MS, interrupt);
        continue;
      }
      interrupt.onRaise = end;
      const step = await source.next();
      if (step.done === true) return;
      yield await resultOf(operation, step.value, operation.freshContext());
    }
  } finally {
    end();
  }
}

/** The answer to one event, as graphql-js makes it. */
export function resultOf(
  operation: Operation,
  event: unknown,
  contextValue = operation.contextValue,
): ExecutionResult | Promise<ExecutionResult> {
  return execute({ ...operation, contextValue, rootValue: event });
}
