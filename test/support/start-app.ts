import { onTestFinished } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { controlOf } from './emulator-control.ts';
import { makeFolder } from './folder.ts';

export interface GraphqlAnswer {
  readonly status: number;
  readonly data?: Record<string, never> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: Readonly<Record<string, unknown>>;
  }[];
}

/** The whole server with the embedded emulator, on free ports; stopped when the test ends. */
export async function startTestApp(settings: Readonly<Record<string, string>> = {}) {
  const app = await startApp(
    readConfig({
      PORT: '0',
      DATA_DIR: makeFolder(),
      LOG_LEVEL: 'silent',
      ...settings,
    }),
  );
  onTestFinished(() => app.close());
  const url = `${app.url}/graphql`;
  return {
    app,
    url,
    emulator: controlOf(app.emulatorUrl ?? settings.RUNPOD_REST_URL ?? ''),
    query: (query: string, variables?: Readonly<Record<string, unknown>>) =>
      postQuery(url, query, variables),
  };
}

export async function postQuery(
  url: string,
  query: string,
  variables: Readonly<Record<string, unknown>> = {},
): Promise<GraphqlAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...((await response.json()) as object) };
}
