/** What is being answered on which connection, so that a shutdown can wait for it. */
export interface InFlight {
  begin(connection: object, id: string): void;
  end(connection: object, id: string): void;
  /** The connection is gone, and whoever waited with it. */
  forget(connection: object): void;
  /** Resolves once nothing of the connection is left. */
  drained(connection: object): Promise<void>;
  /** Gives up waiting. */
  abandon(): void;
}

export function createInFlight(): InFlight {
  const running = new Map<object, Set<string>>();
  const waiting = new Map<object, (() => void)[]>();

  function settle(connection: object): void {
    if (running.has(connection)) return;
    for (const resolve of waiting.get(connection) ?? []) resolve();
    waiting.delete(connection);
  }

  return {
    begin(connection, id) {
      running.set(connection, (running.get(connection) ?? new Set<string>()).add(id));
    },
    end(connection, id) {
      const ids = running.get(connection);
      ids?.delete(id);
      if (ids?.size === 0) running.delete(connection);
      settle(connection);
    },
    forget(connection) {
      running.delete(connection);
      settle(connection);
    },
    drained: (connection) =>
      new Promise((resolve) => {
        waiting.set(connection, [...(waiting.get(connection) ?? []), resolve]);
        settle(connection);
      }),
    abandon() {
      running.clear();
      for (const connection of [...waiting.keys()]) settle(connection);
    },
  };
}
