/** Notices that a stream has fallen silent. */

export interface Silence {
  readonly signal: AbortSignal;
  /** Something came. While the reader is busy with it, nobody is silent. */
  heard(): void;
  /** The reader waits again. */
  listen(): void;
  end(): void;
}

/** Listens at once; `signal` aborts with the reason after `ms` of nothing. */
export function createSilence(ms: number, reason: () => Error): Silence {
  const silent = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const heard = () => {
    clearTimeout(timer);
  };
  const listen = () => {
    heard();
    // Made anew: a timer that was cleared is not armed again by `refresh`.
    timer = setTimeout(() => {
      silent.abort(reason());
    }, ms);
  };
  listen();
  return { signal: silent.signal, heard, listen, end: heard };
}
