/** What is being answered on which connection, so that a shutdown can wait for it. */
export interface InFlight {
  begin(connection: object, id: string): void;
  end(connection: object, id: string): void;
  /** The connection is gone, and whoever waited with it. */
  forget(connection: object): void;
  /** Resolves once nothing is left. */
  drained(): Promise<void>;
  /** Gives up waiting. */
  abandon(): void;
}

export function createInFlight(): InFlight {
  const running = new Map<object, Set<string>>();
  let waiting: (() => void)[] = [];

  function settle(): void {
    if (running.size > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  return {
    begin(connection, id) {
      running.set(connection, (running.get(connection) ?? new Set<string>()).add(id));
    },
    end(connection, id) {
      const ids = running.get(connection);
      ids?.delete(id);
      if (ids?.size === 0) running.delete(connection);
      settle();
    },
    forget(connection) {
      running.delete(connection);
      settle();
    },
    drained: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        settle();
      }),
    abandon() {
      running.clear();
      settle();
    },
  };
}
