/**
 * Work that many have to do at once, one after the other in turns of a few milliseconds: between two
 * turns the event loop goes round, so that queries are answered whatever is being sent.
 */

const TURN_MS = 2;

export interface Turns {
  /** Before something is begun. @returns undefined: at once; else what to wait for */
  enter(): Promise<void> | undefined;
  /** In the midst of it, now and then. @returns undefined: go on; else what to wait for */
  goOn(): Promise<void> | undefined;
}

export function createTurns(): Turns {
  const waiting: (() => void)[] = [];
  let isTurn = false;
  let endsAt = 0;
  /** Somebody works, as far as it comes without waiting for the event loop. */
  let isTaken = false;

  function begin(): void {
    isTurn = true;
    endsAt = performance.now() + TURN_MS;
    setImmediate(onceRound);
  }

  function onceRound(): void {
    isTurn = false;
    if (waiting.length === 0) return;
    begin();
    isTaken = true;
    next();
  }

  function next(): void {
    const go = performance.now() < endsAt ? waiting.shift() : undefined;
    if (go === undefined) {
      isTaken = false;
      return;
    }
    go();
    afterPromises();
  }

  /** A tick asked for by a promise comes when all promises are through, those that these settle as well. */
  function afterPromises(): void {
    queueMicrotask(() => {
      process.nextTick(next);
    });
  }

  function isOver(): boolean {
    if (!isTurn) begin();
    return performance.now() >= endsAt;
  }

  function queue(): Promise<void> {
    return new Promise((resolve) => waiting.push(resolve));
  }

  return {
    enter() {
      if (isOver() || isTaken || waiting.length > 0) return queue();
      isTaken = true;
      afterPromises();
      return undefined;
    },
    goOn: () => (isOver() ? queue() : undefined),
  };
}
