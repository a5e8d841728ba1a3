/** The process: settings, start, signals, exit code. */
import process from 'node:process';
import { createLog, startApp } from './app.ts';
import type { App } from './app.ts';
import { ConfigError, readConfig } from './config.ts';
import type { Config } from './config.ts';

const EXIT_FAILED = 1;
/** 128 + SIGINT, as a shell reports it. */
const EXIT_INTERRUPTED = 130;
/** Ctrl-C under npm comes twice, from the terminal and from npm: that is one wish, not two. */
const SAME_KEYSTROKE_MS = 200;

await main();

async function main(): Promise<void> {
  const config = configOrExit();
  const log = createLog(config);
  try {
    const app = await startApp(config, log);
    // In this order: once the address is printed, a signal ends the server in good order.
    exitOnSignal(app);
    printBanner(app, config);
    warnIfRefused(app);
  } catch (error) {
    process.stderr.write(`${startFailure(error, config)}\n`);
    process.exitCode = EXIT_FAILED;
  }
}

function configOrExit(): Config {
  try {
    return readConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\nEvery setting is explained in README.md.\n`);
    process.exit(EXIT_FAILED);
  }
}

function exitOnSignal(app: App): void {
  let closingSince: number | undefined;
  const close = (): void => {
    if (closingSince !== undefined) {
      if (performance.now() - closingSince > SAME_KEYSTROKE_MS) process.exit(EXIT_INTERRUPTED);
      return;
    }
    closingSince = performance.now();
    process.stdout.write('Shutting down; once more to exit at once.\n');
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Shutdown failed: ${String(error)}\n`);
        process.exit(EXIT_FAILED);
      },
    );
  };
  process.on('SIGINT', close);
  process.on('SIGTERM', close);
}

function printBanner(app: App, config: Config): void {
  const lines =
    app.emulatorUrl === undefined
      ? [
          `RunPod: live at ${config.runpod.kind === 'live' ? config.runpod.restUrl : ''}: what you rent is billed.`,
        ]
      : [
          `RunPod emulator on ${app.emulatorUrl}: nothing is rented, nothing is billed.`,
          'Set RUNPOD_API_KEY to use the real one.',
        ];
  const query = '{ gpuResources { name pricing { onDemandUsdPerHour stock } } }';
  process.stdout.write(
    [
      `runpod-subgraph listening on ${app.url}/graphql`,
      ...lines,
      `Try it in a browser, or: curl -s ${app.url}/graphql -H 'content-type: application/json' -d '{"query":"${query}"}'`,
      '',
    ].join('\n'),
  );
}

/** People learn of a wrong key now, and not with their first query. */
function warnIfRefused(app: App): void {
  void app.platformStatus().then((status) => {
    if (!status.connected) process.stderr.write(`RunPod is not connected: ${status.error ?? ''}\n`);
  });
}

function startFailure(error: unknown, config: Config): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${config.port} on ${config.host} is taken: stop what listens there, or set PORT (0 picks a free one).`;
    case 'EACCES':
      return `Not allowed to listen on ${config.host}:${config.port}: choose a PORT above 1023.`;
    case 'EADDRNOTAVAIL':
      return `${config.host} is not an address of this machine: set HOST.`;
    default:
      return `Could not start: ${error instanceof Error ? error.message : String(error)}`;
  }
}
