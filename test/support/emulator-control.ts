/** The emulator's control API, as tests use it: over HTTP, like anybody. */
export interface RequestCounts {
  readonly rest: Readonly<Record<string, number>>;
  readonly graphql: number;
  readonly proxy: number;
}

export interface EmulatedPod {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly createdAt: string;
  readonly terminatedAt: string | null;
  readonly usdAccrued: number;
  /** Of its container, by itself or by faults. */
  readonly restarts: number;
  /** Of the command that runs in it; null: none does. */
  readonly pid: number | null;
}

export function controlOf(emulatorUrl: string) {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${emulatorUrl}/__emulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  return {
    requests: async () => (await call('GET', 'requests')) as RequestCounts,
    resetRequests: () => call('DELETE', 'requests'),
    pods: async () => (await call('GET', 'pods')) as EmulatedPod[],
    appendLog: (podId: string, lines: readonly string[]) =>
      call('POST', `pods/${podId}/logs`, { lines }),
    addFault: async (fault: Readonly<Record<string, unknown>>) =>
      (await call('POST', 'faults', fault)) as { readonly id: string },
    faults: async () =>
      (await call('GET', 'faults')) as { readonly kind: string; readonly fired: number }[],
    clearFaults: () => call('DELETE', 'faults'),
  };
}
