/** Streams that can be ended while they wait. */

export interface Interrupt {
  readonly isRaised: boolean;
  /** Called once when it is raised: ends what is waited for now. One at a time. */
  onRaise: (() => void) | undefined;
}

/**
 * An async generator whose `return()` also works while it waits: a bare one, pending at an await,
 * runs no `finally` until that is over, which may be never. `run` must come to its end once the
 * interrupt is raised.
 */
export function interruptible<T>(
  run: (interrupt: Interrupt) => AsyncGenerator<T, void, void>,
): AsyncIterableIterator<T, void, void> {
  const interrupt = { isRaised: false, onRaise: undefined as (() => void) | undefined };
  const source = run(interrupt);
  return {
    next: () => source.next(),
    return() {
      interrupt.isRaised = true;
      interrupt.onRaise?.();
      interrupt.onRaise = undefined;
      return source.return();
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
