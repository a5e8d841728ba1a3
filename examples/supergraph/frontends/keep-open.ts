/**
 * Opens a stream, and opens it again when it was cut, after a pause that grows while nothing works.
 * What a stream says after the next was opened, or after the end, is not heard.
 */
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/** One stream's hold on what happens next; without effect once another has been opened. */
export interface Turn {
  readonly isCurrent: () => boolean;
  /** It works: the pause after the next cut is short. */
  readonly works: () => void;
  /** It was cut: closes it, and opens the next one soon. */
  readonly again: () => void;
  /** Nothing more is to come. */
  readonly end: () => void;
}

/** `open` returns what closes its stream. @returns what ends everything */
export function keepOpen(open: (turn: Turn) => () => void): () => void {
  let current: object | undefined;
  let close = (): void => undefined;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function start(): void {
    const self = {};
    current = self;
    const isCurrent = (): boolean => current === self;
    const opened = open({
      isCurrent,
      works: () => {
        if (isCurrent()) pauseMs = FIRST_PAUSE_MS;
      },
      again: () => {
        if (isCurrent()) pauseThenStart();
      },
      end: () => {
        if (isCurrent()) stop();
      },
    });
    // It may be over before it has returned.
    if (isCurrent()) close = opened;
    else opened();
  }

  function pauseThenStart(): void {
    stop();
    // Not all clients at the same moment, when a server has come back.
    timer = setTimeout(start, pauseMs * (0.5 + Math.random()));
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }

  function stop(): void {
    current = undefined;
    clearTimeout(timer);
    close();
    close = () => undefined;
  }

  start();
  return stop;
}
