import type { Environment } from './config.ts';

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);

/** What is wrong with settings together that are right alone. */
export function crossFaults(
  env: Environment,
  given: Readonly<Record<string, string>>,
): readonly string[] {
  const faults: string[] = [];
  if (!LOOPBACK_HOSTS.has(env.HOST) && !env.ALLOW_OPEN_NETWORK) {
    faults.push(
      `HOST: got ${JSON.stringify(env.HOST)}; without authentication anyone who reaches this server could rent GPUs: use 127.0.0.1, or set ALLOW_OPEN_NETWORK=true if the network is closed`,
    );
  }
  if (env.RUNPOD_API_KEY === undefined) {
    for (const name of ['RUNPOD_REST_URL', 'RUNPOD_GRAPHQL_URL', 'RUNPOD_PROXY_URL'] as const) {
      if (given[name] !== undefined) {
        faults.push(
          `${name}: got ${JSON.stringify(given[name])} without RUNPOD_API_KEY, so the embedded emulator would answer instead; set RUNPOD_API_KEY (any text for an emulator of your own)`,
        );
      }
    }
  }
  if (env.RUNPOD_API_KEY !== undefined && env.EMULATOR_URL !== undefined) {
    faults.push(
      `EMULATOR_URL: got ${JSON.stringify(env.EMULATOR_URL)} together with RUNPOD_API_KEY: unset one of them`,
    );
  }
  const isLocal = env.ARTIFACT_URL?.startsWith('s3:') !== true;
  if (env.DATABASE_URL !== undefined && isLocal && !env.ARTIFACT_FOLDER_SHARED) {
    faults.push(
      'ARTIFACT_URL: with DATABASE_URL several servers may run, and each would keep results in a folder of its own; set ARTIFACT_URL=s3://bucket/prefix, or ARTIFACT_FOLDER_SHARED=true if all of them see the same folder',
    );
  }
  if ((env.AWS_ACCESS_KEY_ID === undefined) !== (env.AWS_SECRET_ACCESS_KEY === undefined)) {
    faults.push('AWS_SECRET_ACCESS_KEY: set it together with AWS_ACCESS_KEY_ID, or neither');
  }
  if (env.CALLBACK_URLS.length > 0 && env.ROUTER_SECRET === undefined) {
    faults.push(
      'ROUTER_SECRET: set it together with CALLBACK_URLS, so that nobody else can have those URLs called',
    );
  }
  if (env.PRICE_MAX_AGE_SECONDS < env.PRICE_FRESH_SECONDS) {
    faults.push(
      `PRICE_MAX_AGE_SECONDS: got ${env.PRICE_MAX_AGE_SECONDS}; expected at least PRICE_FRESH_SECONDS (${env.PRICE_FRESH_SECONDS})`,
    );
  }
  return faults;
}
