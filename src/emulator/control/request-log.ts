interface RequestCounts {
  readonly rest: Readonly<Record<string, number>>;
  readonly graphql: number;
  readonly proxy: number;
}

/** How often each route was reached, for tests that count what a client asks. */
export interface RequestLog {
  rest(route: string): void;
  graphql(): void;
  proxy(): void;
  view(): RequestCounts;
  reset(): void;
}

export function createRequestLog(): RequestLog {
  const rest = new Map<string, number>();
  let graphql = 0;
  let proxy = 0;
  return {
    rest: (route) => void rest.set(route, (rest.get(route) ?? 0) + 1),
    graphql: () => void (graphql += 1),
    proxy: () => void (proxy += 1),
    view: () => ({ rest: Object.fromEntries(rest), graphql, proxy }),
    reset() {
      rest.clear();
      graphql = 0;
      proxy = 0;
    },
  };
}
