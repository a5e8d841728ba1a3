/**
 * One job's log for all who ask the same of it, over whatever transport: one read, one execution and
 * one serialisation per batch; each reader only adds its own envelope.
 *
 * - OPEN    follows the log from its place on; readers come in exactly at that place
 * - CLOSED  the log has ended, the last reader has left, or following failed; final
 */
import type { LogLine } from '../domain/job/log-line.ts';
import type { TailEvent } from '../logs/tail.ts';
import type { LogStream } from '../logs/tail-streams.ts';
import type { Payload } from './payload.ts';
import type { Reader } from './reader.ts';
import type { Turns } from './turns.ts';

/** Between two looks at whose turn it is. */
const WRITES_PER_LOOK = 64;
/** A joiner for whom more passes while it catches up begins again nearer to the front. */
const MAX_HELD_BYTES = 1024 * 1024;

/** A batch as it is sent: the places before and behind, and the payload that all share. */
export interface RoomFrame {
  readonly from: number;
  readonly to: number;
  readonly payload: Payload;
  readonly isEnd: boolean;
}

export type Left =
  /** The log has ended, and the reader was told so. */
  | { readonly kind: 'ended' }
  /** It left by itself. */
  | { readonly kind: 'gone' }
  /** It reads too slowly: everything up to the place was written to it, and nothing behind it. */
  | { readonly kind: 'lagging'; readonly at: number }
  /** The room cannot go on; the reader may. */
  | { readonly kind: 'failed'; readonly at: number };

export interface Stay {
  readonly left: Promise<Left>;
  leave(): void;
}

/** What passes while a joiner still catches up with the place where the room was. */
export interface Hold {
  /** The number to read up to: from any place, the next one where the joiner can come in. */
  readonly boundaryAfter: (place: number) => number;
  /** Everything the room has sent since this place; undefined: nobody can come in there. */
  framesSince(place: number): readonly RoomFrame[] | undefined;
  drop(): void;
}

export interface Room {
  /** `onFrame`: a later place to come in at. */
  hold(onFrame: () => void): Hold;
  /** From the end of the missed frames on, which are the first that it gets. */
  join(reader: Reader, missed: readonly RoomFrame[]): Stay;
}

export interface RoomDeps {
  readonly stream: LogStream;
  readonly place: number;
  readonly toFrame: (event: TailEvent<LogLine>) => Promise<RoomFrame>;
  readonly onClosed: () => void;
  /** Of all rooms together. */
  readonly turns: Turns;
}

interface Held {
  start: number;
  frames: RoomFrame[];
  bytes: number;
  readonly onFrame: () => void;
}

export function createRoom({ stream, place, toFrame, onClosed, turns }: RoomDeps): Room {
  const members = new Map<Reader, (left: Left) => void>();
  const holds = new Set<Held>();
  let position = place;
  let leaves = 0;
  let isClosed = false;

  function remove(reader: Reader, left: Left): void {
    const settle = members.get(reader);
    if (settle === undefined) return;
    members.delete(reader);
    leaves += 1;
    settle(left);
  }

  function close(): void {
    if (isClosed) return;
    isClosed = true;
    onClosed();
    void stream.return?.();
  }

  function closeIfEmpty(): void {
    if (members.size + holds.size === 0) close();
  }

  function send(reader: Reader, frame: RoomFrame): void {
    if (!reader.offer(frame.payload)) {
      remove(reader, { kind: 'lagging', at: frame.from });
      closeIfEmpty();
    } else if (frame.isEnd) remove(reader, { kind: 'ended' });
  }

  /**
   * Those who come in while it is under way come in behind it: they are not among these, and who
   * leaves does not come in again before its turn here has passed.
   */
  async function broadcast(frame: RoomFrame, to: readonly Reader[]): Promise<void> {
    const leavesBefore = leaves;
    let writes = 0;
    for (const reader of to) {
      if (leaves !== leavesBefore && !members.has(reader)) continue;
      send(reader, frame);
      writes += 1;
      if (writes % WRITES_PER_LOOK === 0) await turns.goOn();
    }
  }

  function keep(held: Held, frame: RoomFrame): void {
    held.frames.push(frame);
    held.bytes += frame.payload.text.length;
    if (held.bytes > MAX_HELD_BYTES) {
      held.start = frame.to;
      held.frames = [];
      held.bytes = 0;
    }
    held.onFrame();
  }

  async function run(): Promise<void> {
    for await (const event of stream) {
      await turns.enter();
      const frame = await toFrame(event);
      position = frame.to;
      if (!frame.isEnd) for (const held of holds) keep(held, frame);
      // A frame in the making when the last reader left, or for whoever is in by now.
      await broadcast(frame, [...members.keys()]);
      if (frame.isEnd) break;
    }
  }

  function fail(): void {
    close();
    for (const reader of [...members.keys()]) remove(reader, { kind: 'failed', at: position });
  }

  run().then(fail, fail);

  return {
    hold(onFrame) {
      const held: Held = { start: position, frames: [], bytes: 0, onFrame };
      holds.add(held);
      return {
        boundaryAfter: (at) =>
          isClosed
            ? Infinity
            : ([held.start, ...held.frames.map(({ to }) => to)].find((each) => each > at) ?? at),
        framesSince(at) {
          if (isClosed) return undefined;
          if (at === held.start) return held.frames;
          const index = held.frames.findIndex(({ to }) => to === at);
          return index === -1 ? undefined : held.frames.slice(index + 1);
        },
        drop() {
          if (holds.delete(held)) closeIfEmpty();
        },
      };
    },
    join(reader, missed) {
      const { promise: left, resolve: settle } = Promise.withResolvers<Left>();
      members.set(reader, settle);
      for (const frame of missed) if (members.has(reader)) send(reader, frame);
      return {
        left,
        leave() {
          remove(reader, { kind: 'gone' });
          closeIfEmpty();
        },
      };
    },
  };
}
