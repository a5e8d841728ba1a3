/** How often each route was reached, for tests that count what a client asks. */
export interface RequestLog {
  rest(route: string): void;
  graphql(): void;
  view(): { readonly rest: Readonly<Record<string, number>>; readonly graphql: number };
  reset(): void;
}

export function createRequestLog(): RequestLog {
  const rest = new Map<string, number>();
  let graphql = 0;
  return {
    rest: (route) => void rest.set(route, (rest.get(route) ?? 0) + 1),
    graphql: () => void (graphql += 1),
    view: () => ({ rest: Object.fromEntries(rest), graphql }),
    reset() {
      rest.clear();
      graphql = 0;
    },
  };
}
