/** A router that is called back, as streams see it: one message at a time, in order, a bounded rest. */
import type { FormattedExecutionResult } from 'graphql';
import type { CallbackVerdict } from '../datasources/router-callback.ts';
import { createWaiting } from './reader.ts';
import type { Reader } from './reader.ts';

export interface CallbackReader extends Reader {
  /** Ends when the router has taken it, or never will. */
  readonly send: (result: FormattedExecutionResult) => Promise<void>;
  /** Nothing is sent any more, nor was what waits. */
  readonly close: () => void;
}

export interface CallbackReaderDeps {
  /** A result in JSON. */
  readonly post: (result: string) => Promise<CallbackVerdict>;
  readonly maxBufferedBytes: number;
  /** The router did not take it: no more results can follow. */
  readonly onLost: (verdict: 'gone' | 'failed') => void;
  readonly expectGoodbye: () => void;
}

interface Waiting {
  readonly text: string;
  readonly settle: (() => void) | undefined;
}

export function createCallbackReader(deps: CallbackReaderDeps): CallbackReader {
  const queue: Waiting[] = [];
  let waitingBytes = 0;
  let isPosting = false;
  let isClosed = false;
  let onDrain: (() => void) | undefined;
  const drain = createWaiting((listener) => {
    onDrain = listener;
    return () => (onDrain = undefined);
  });

  function add(text: string, settle?: () => void): void {
    queue.push({ text, settle });
    waitingBytes += text.length;
    if (!isPosting) void postAll();
  }

  async function postAll(): Promise<void> {
    isPosting = true;
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      const verdict = await deps.post(next.text);
      if (isClosed) return;
      if (verdict !== 'taken') {
        close();
        deps.onLost(verdict);
        return;
      }
      queue.shift();
      waitingBytes -= next.text.length;
      next.settle?.();
    }
    isPosting = false;
    onDrain?.();
  }

  function close(): void {
    isClosed = true;
    for (const { settle } of queue.splice(0)) settle?.();
    waitingBytes = 0;
    onDrain?.();
  }

  const isFull = () => waitingBytes > deps.maxBufferedBytes;

  return {
    isOpen: () => !isClosed,
    isFull,
    drained: (ms, interrupt) => drain.wait(ms, interrupt, queue.length === 0),
    expectGoodbye: deps.expectGoodbye,
    offer: ({ text }) => {
      if (isFull()) return false;
      if (!isClosed) add(text);
      return true;
    },
    send: (result) =>
      new Promise((resolve) => {
        if (isClosed) resolve();
        else add(JSON.stringify(result), resolve);
      }),
    close,
  };
}
