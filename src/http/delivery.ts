/**
 * What every transport of streams has in common: the same checks, the same errors as over HTTP, the
 * same rooms, so that readers share whatever road they come by.
 */
import { execute, GraphQLError, OperationTypeNode } from 'graphql';
import type { ExecutionResult, FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { maskError } from '../errors.ts';
import type { ReportBug } from '../errors.ts';
import { createLogRooms } from './log-rooms.ts';
import { createOperations } from './operations.ts';
import type { Operation, OperationsDeps, PrepareOperation } from './operations.ts';
import { createSlots } from './slots.ts';
import type { Slots } from './slots.ts';
import { createSubscribe } from './stream-results.ts';
import type { Results } from './stream-results.ts';

const LAG_MS = 30_000;

export interface DeliveryDeps extends OperationsDeps {
  readonly report: ReportBug;
  readonly onError: (code: string) => void;
  /** Makes streams say goodbye. */
  readonly endStreams: () => void;
  /** Connections that stay open, of all transports together. */
  readonly maxConnections: number;
  /** What may wait for one reader, before nothing is added. */
  readonly maxBufferedBytes: number;
  /** How long a reader that does not read is waited for, before it is told LAGGED. */
  readonly lagMs?: number;
}

export type Errors = readonly (GraphQLError | GraphQLFormattedError)[];

/** A result before its errors are masked. */
interface Unmasked {
  readonly data?: ExecutionResult['data'] | undefined;
  readonly errors?: Errors | undefined;
}

/** One operation that runs for a reader of its own. */
export interface Run {
  /** Never rejects: what fails on the way is sent as well. */
  readonly done: Promise<void>;
  /** Nothing is sent any more, and nothing read. */
  stop(): void;
}

export interface Delivery {
  readonly prepare: PrepareOperation;
  readonly subscribe: (operation: Operation) => Promise<ExecutionResult | Results>;
  readonly mask: (errors: Errors, requestId?: string) => GraphQLFormattedError[];
  readonly toPayload: (result: Unmasked, operation: Operation) => FormattedExecutionResult;
  /** Each result is sent before the next is asked for. */
  readonly run: (
    operation: Operation,
    send: (result: FormattedExecutionResult) => Promise<void>,
  ) => Run;
  readonly endStreams: () => void;
  readonly slots: Slots;
  readonly maxBufferedBytes: number;
}

export function createDelivery(deps: DeliveryDeps): Delivery {
  const rooms = createLogRooms({ toPayload, lagMs: deps.lagMs ?? LAG_MS });
  const subscribe = createSubscribe({
    followLogs: (operation, stream) => rooms.follow(operation, stream),
  });

  function mask(errors: Errors, requestId?: string): GraphQLFormattedError[] {
    return errors.map((error) => maskOne(toWire(error), thrownIn(error), requestId));
  }

  function maskOne(wire: GraphQLFormattedError, thrown: unknown, requestId: string | undefined) {
    const masked = maskError(wire, thrown, (bug) => deps.report(bug, requestId));
    deps.onError(String(masked.extensions?.code));
    return masked;
  }

  function toPayload(
    { data, errors }: Unmasked,
    { contextValue }: Operation,
  ): FormattedExecutionResult {
    return {
      ...(data !== undefined && { data }),
      ...(errors !== undefined && { errors: mask(errors, contextValue.requestId) }),
    };
  }

  function resultsOf(operation: Operation): Promise<ExecutionResult | Results> {
    return operation.definition.operation === OperationTypeNode.SUBSCRIPTION
      ? subscribe(operation)
      : Promise.resolve(execute(operation));
  }

  function run(
    operation: Operation,
    send: (result: FormattedExecutionResult) => Promise<void>,
  ): Run {
    let isStopped = false;
    let results: Results | undefined;

    async function sendAll(): Promise<void> {
      const outcome = await resultsOf(operation);
      if (isStopped) {
        if (isResults(outcome)) void outcome.return?.();
      } else if (isResults(outcome)) {
        results = outcome;
        for await (const result of outcome) await send(toPayload(result, operation));
      } else await send(toPayload(outcome, operation));
    }

    return {
      done: sendAll().catch(async (thrown: unknown) => {
        if (isStopped) return;
        const { requestId } = operation.contextValue;
        await send({ errors: [maskOne({ message: String(thrown) }, thrown, requestId)] });
      }),
      stop() {
        isStopped = true;
        void results?.return?.();
      },
    };
  }

  return {
    prepare: createOperations(deps),
    subscribe,
    mask,
    toPayload,
    run,
    endStreams: deps.endStreams,
    slots: createSlots(deps.maxConnections),
    maxBufferedBytes: deps.maxBufferedBytes,
  };
}

function isResults(outcome: ExecutionResult | Results): outcome is Results {
  return Symbol.asyncIterator in outcome;
}

/** Faults of the request that the engine itself finds have no path: a variable of the wrong type. */
function toWire(error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError {
  if (!(error instanceof GraphQLError)) return error;
  const wire = error.toJSON();
  return error.path === undefined
    ? { ...wire, extensions: { code: 'BAD_USER_INPUT', ...wire.extensions } }
    : wire;
}

function thrownIn(error: GraphQLError | GraphQLFormattedError): unknown {
  return error instanceof GraphQLError ? (error.originalError ?? error) : error;
}
