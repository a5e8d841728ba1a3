/** A bell one reader sleeps by. A ring while it is awake is remembered: the next sleep is none. */
export interface Bell {
  ring(): void;
  /** Ends at the next ring, or after so long. */
  sleep(ms: number): Promise<void>;
}

export function createBell(): Bell {
  let isRung = false;
  let wake: (() => void) | undefined;

  return {
    ring() {
      isRung = true;
      wake?.();
    },
    sleep: (ms) =>
      new Promise((resolve) => {
        const timer = isRung ? undefined : setTimeout(done, ms);
        wake = done;
        if (isRung) done();

        function done(): void {
          clearTimeout(timer);
          wake = undefined;
          isRung = false;
          resolve();
        }
      }),
  };
}
