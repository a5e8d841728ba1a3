/**
 * Readers of one log who ask the same share a room once they are live. Until then each catches up
 * on its own, through its transport, which asks for result after result; then the transport waits
 * for an iterator that yields nothing and only ends, and keeps what it is good at: handshake,
 * errors, `complete`, clean-up.
 *
 * A reader's states:
 * - ALONE    gets batches of its own; comes in where the room stands, exactly between two frames
 * - SHARING  the room writes to it
 * - LAGGING  too much waits for it to read: nothing is added. Drained in time, it is ALONE again,
 *            from its place in the store; else it is told LAGGED
 */
import { Kind, visit } from 'graphql';
import type { DocumentNode, ExecutionResult } from 'graphql';
import { interruptible } from '../domain/interruptible.ts';
import type { Interrupt } from '../domain/interruptible.ts';
import type { LogStream } from '../logs/tail-streams.ts';
import { createRoom } from './log-room.ts';
import type { Hold, Room, RoomFrame, Stay } from './log-room.ts';
import type { Operation } from './operations.ts';
import { createPayload } from './payload.ts';
import { resultOf } from './stream-results.ts';
import { createTurns } from './turns.ts';

const SHARED_FIELD = 'trainingJobLogs';
const PLACE_ARGUMENT = 'after';

export interface LogRoomsDeps {
  /** A result as it goes to the client, with its errors masked. */
  readonly toPayload: (result: ExecutionResult, operation: Operation) => unknown;
  /** How long a client that does not read is waited for. */
  readonly lagMs: number;
}

export interface LogRooms {
  follow(
    operation: Operation,
    stream: LogStream,
  ): AsyncIterableIterator<ExecutionResult, void, void>;
}

/** A room, and what a reader in it no longer needs one of its own of. */
interface Shared {
  readonly room: Room;
  readonly stream: LogStream;
  readonly contextValue: Operation['contextValue'];
}

interface Joined extends Shared {
  readonly stay: Stay;
}

export function createLogRooms({ toPayload, lagMs }: LogRoomsDeps): LogRooms {
  const rooms = new Map<string, Shared>();
  const keyOf = createKeys();
  const turns = createTurns();

  function open(key: string, operation: Operation, like: LogStream, place: number): Shared {
    const stream = like.resume(place);
    const room = createRoom({
      stream,
      place,
      turns,
      onClosed: () => {
        if (rooms.get(key) === shared) rooms.delete(key);
      },
      async toFrame(event): Promise<RoomFrame> {
        const result = await resultOf(operation, event);
        const payload = createPayload(toPayload(result, operation));
        const isEnd = event.kind === 'end';
        return { from: isEnd ? event.to : event.from, to: event.to, payload, isEnd };
      },
    });
    const shared = { room, stream, contextValue: operation.contextValue };
    rooms.set(key, shared);
    return shared;
  }

  /** Comes in where the room stands. @returns undefined when the stream has ended */
  async function* catchUp(
    operation: Operation,
    source: LogStream,
    interrupt: Interrupt,
  ): AsyncGenerator<ExecutionResult, Joined | undefined, void> {
    const key = keyOf(operation);
    let entry: { readonly shared: Shared; readonly hold: Hold } | undefined;
    interrupt.onRaise = () => void source.return?.();
    try {
      for (;;) {
        const step = await source.next();
        if (step.done === true) return undefined;
        const event = step.value;
        yield await resultOf(operation, event);
        // It has been sent. From here to the end of `join` no others have a turn.
        if (event.kind === 'end') return undefined;
        const shared =
          rooms.get(key) ?? (event.isLive ? open(key, operation, source, event.to) : undefined);
        if (shared === undefined) continue;
        if (entry?.shared !== shared) {
          entry?.hold.drop();
          const hold = shared.room.hold(source.poke);
          entry = { shared, hold };
          source.bound = (at) => hold.boundaryAfter(at);
        }
        const missed = entry.hold.framesSince(event.to);
        if (missed === undefined) continue;
        return { ...shared, stay: shared.room.join(operation.reader, missed) };
      }
    } finally {
      entry?.hold.drop();
      void source.return?.();
    }
  }

  async function* follow(
    operation: Operation,
    source: LogStream,
    interrupt: Interrupt,
  ): AsyncGenerator<ExecutionResult, void, void> {
    for (;;) {
      const joined = yield* catchUp(operation, source, interrupt);
      if (joined === undefined) return;
      const { stay } = joined;
      // Thousands wait here: what the room has as well they let go of.
      source = joined.stream;
      operation.contextValue = joined.contextValue;
      interrupt.onRaise = () => {
        stay.leave();
      };
      if (interrupt.isRaised) stay.leave();
      const left = await stay.left;
      if (left.kind === 'ended' || left.kind === 'gone') return;
      if (left.kind === 'lagging' && !(await operation.reader.drained(lagMs, interrupt))) {
        if (!interrupt.isRaised) yield await resultOf(operation, source.laggedAt(left.at));
        return;
      }
      source = source.resume(left.at);
    }
  }

  return {
    follow: (operation, stream) =>
      interruptible((interrupt) => follow(operation, stream, interrupt)),
  };
}

/** Same key, same answers: what was asked, with which variables, and who may see what. */
function createKeys(): (operation: Operation) => string {
  const known = new WeakMap<DocumentNode, { id: number; places: ReadonlySet<string> }>();
  let documents = 0;

  return ({ document, definition, operationName, variableValues, contextValue }) => {
    let about = known.get(document);
    if (about === undefined) {
      documents += 1;
      known.set(document, (about = { id: documents, places: placeVariables(document) }));
    }
    const { id, places } = about;
    // What else is sent decides nothing, and may be nested too deep to be written down.
    const variables = (definition.variableDefinitions ?? [])
      .map(({ variable }) => variable.name.value)
      // One that is omitted may have a default, which null takes the place of.
      .filter((name) => !places.has(name) && variableValues?.[name] !== undefined)
      .map((name) => [name, variableValues?.[name]]);
    return JSON.stringify([contextValue.visibility, id, operationName ?? null, variables]);
  };
}

/** Variables that say nothing but where to begin. */
function placeVariables(document: DocumentNode): ReadonlySet<string> {
  const places = new Map<string, number>();
  const uses = new Map<string, number>();
  const count = (map: Map<string, number>, name: string) => map.set(name, (map.get(name) ?? 0) + 1);
  visit(document, {
    // Not where it is declared.
    VariableDefinition: () => false,
    Variable({ name }) {
      count(uses, name.value);
    },
    Field({ name, arguments: given = [] }) {
      if (name.value !== SHARED_FIELD) return;
      for (const { name: argument, value } of given) {
        if (argument.value !== PLACE_ARGUMENT || value.kind !== Kind.VARIABLE) continue;
        count(places, value.name.value);
      }
    },
  });
  return new Set([...places].filter(([name, number]) => uses.get(name) === number).map(([n]) => n));
}
