/**
 * The whole main job, by itself: a server with the emulator embedded, and one training through its
 * public API like any client. Nothing is rented and nothing is billed, whatever the environment says.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startApp } from './app.ts';
import type { App } from './app.ts';
import { createApi } from './cli/api.ts';
import { downloadJob } from './cli/download-job.ts';
import { CliFailure } from './cli/failure.ts';
import { failUnlessCompleted, followJob, spansOfLine } from './cli/follow-job.ts';
import type { JobView } from './cli/follow-job.ts';
import { statusSpan, usd, usdPerHour } from './cli/format.ts';
import { readMetric } from './cli/metric-text.ts';
import { barOf, createOutput } from './cli/output.ts';
import type { Span } from './cli/output.ts';
import { createCommandLine, createRetry, SETTLED_MS } from './cli/session.ts';
import type { Session } from './cli/session.ts';
import { submitFile } from './cli/submit-job.ts';
import { readConfig } from './config.ts';
import { createPodWatch } from './demo-pods.ts';
import type { PodWatch } from './demo-pods.ts';

/** Two minutes are promised; ten seconds are left for ending in good order. */
const DEADLINE_MS = 110_000;
const HARD_DEADLINE_MS = 118_000;
const FIRST_RETRY_MS = 200;
const POLL_MS = 250;
const BAR_WIDTH = 20;
/** Of so many steps one is shown. */
const SHOWN_STEPS = 10;
const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;
/** Ctrl-C under npm comes twice, from the terminal and from npm: that is one wish, not two. */
const SAME_KEYSTROKE_MS = 200;

const output = createOutput({
  stdout: process.stdout,
  stderr: process.stderr,
  isJson: false,
  // eslint-disable-next-line no-restricted-properties -- of the terminal alone; the server gets none of it
  env: process.env,
});
process.exitCode = await main();

async function main(): Promise<number> {
  const ending = new AbortController();
  endOnSignal(ending);
  const deadline = setTimeout(() => {
    ending.abort(new Error(`The demo was not done after ${DEADLINE_MS / 1_000} s.`));
  }, DEADLINE_MS);
  // If the ending hangs as well, dying ends everything: the emulator's guard sees to the pods.
  setTimeout(() => process.exit(EXIT_FAILED), HARD_DEADLINE_MS).unref();
  try {
    await checkPython();
    await runInFolder(await mkdtemp(join(tmpdir(), 'runpod-subgraph-demo-')), ending.signal);
    return 0;
  } catch (error) {
    return await report(error, ending.signal);
  } finally {
    clearTimeout(deadline);
  }
}

function endOnSignal(ending: AbortController): void {
  let since: number | undefined;
  const end = (): void => {
    if (since !== undefined && performance.now() - since > SAME_KEYSTROKE_MS) {
      process.exit(EXIT_INTERRUPTED);
    }
    since ??= performance.now();
    ending.abort('interrupted');
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

async function report(error: unknown, { aborted, reason }: AbortSignal): Promise<number> {
  if (aborted && reason === 'interrupted') {
    await output.note('Interrupted; everything was ended.');
    return EXIT_INTERRUPTED;
  }
  const cause: unknown = aborted ? reason : error;
  const message = cause instanceof Error ? cause.message : String(cause);
  const failure = cause instanceof CliFailure ? cause : new CliFailure('refused', message);
  await output.failure(failure);
  return EXIT_FAILED;
}

/** The emulator's pods are processes that run the real agent, which is a Python program. */
async function checkPython(): Promise<void> {
  try {
    await promisify(execFile)('python3', ['--version']);
  } catch (error) {
    const hint = 'Install Python 3.9 or newer so that `python3 --version` works.';
    const message =
      'The demo needs python3: the emulated pods run the real agent and a toy trainer.';
    throw new CliFailure('refused', message, { cause: error, hint });
  }
}

/** The server's data goes, the results stay. */
async function runInFolder(folder: string, signal: AbortSignal): Promise<void> {
  const dataDir = join(folder, 'data');
  const results = join(folder, 'results');
  const begun = performance.now();
  try {
    await runAndClose(await startApp(demoConfig(dataDir)), results, signal);
    await rm(dataDir, { recursive: true });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  await output.line({ text: `Done in ${seconds} s. `, style: 'green' }, `Results: ${results}`);
}

function demoConfig(dataDir: string) {
  return readConfig({
    PORT: '0',
    DATA_DIR: dataDir,
    LOG_LEVEL: 'error',
    // An emulated cloud answers at once: there is nothing to be gentle with.
    RECONCILE_SECONDS: '0.2',
    SHUTDOWN_GRACE_SECONDS: '5',
  });
}

async function runAndClose(app: App, folder: string, signal: AbortSignal): Promise<void> {
  const pods = createPodWatch(app.emulatorUrl ?? '', signal);
  try {
    await output.line('Server    ', `${app.url}/graphql`);
    await output.line('Emulator  ', `${app.emulatorUrl ?? ''} (nothing is rented or billed)`);
    await trainAndFetch(createSession(`${app.url}/graphql`, signal), folder, pods);
    const cost = usd(await pods.end());
    await output.line(`The pod is terminated; it cost ${cost} of emulated money.`);
  } finally {
    await app.close();
  }
  const left = pods.processesLeft();
  if (left.length > 0) throw new Error(`Processes of pods are left: ${left.join(', ')}.`);
  await output.line('Server and emulator are shut down; no process of a pod is left.');
}

function createSession(url: string, signal: AbortSignal): Session {
  return {
    output,
    signal,
    api: createApi({ url, signal, onWarning: (text) => void output.note(`! ${text}`) }),
    retry: createRetry(output, signal, FIRST_RETRY_MS),
    pollMs: POLL_MS,
    settledMs: SETTLED_MS,
    commandLine: createCommandLine('npm run cli --', url),
  };
}

async function trainAndFetch(session: Session, folder: string, pods: PodWatch): Promise<void> {
  const file = fileURLToPath(new URL('../examples/tiny.json', import.meta.url));
  const { id } = await submitFile(session, file, undefined);
  await output.line('Submitted ', file, ' as job ', { text: id, style: 'bold' });
  const view = createView(pods);
  const ended = await followJob(session, { id, after: null }, view);
  failUnlessCompleted(session, ended);
  const isQuiet = { ...output, line: () => Promise.resolve() };
  const files = await downloadJob({ ...session, output: isQuiet }, id, folder);
  const adapter = files.find(({ kind }) => kind === 'ADAPTER');
  if (adapter === undefined) throw new Error('The job has no adapter among its results.');
  await output.line(`Fetched ${files.length} files; the size and SHA-256 of each are right.`);
  await output.line('Adapter   ', { text: adapter.file, style: 'bold' });
  await output.line('SHA-256   ', adapter.sha256);
}

/** Status, log and progress, each with the seconds since the submission. */
function createView(pods: PodWatch): JobView {
  const begun = performance.now();
  let status = '';
  let cost = '';
  const say = (...spans: readonly Span[]): Promise<void> => {
    const seconds = ((performance.now() - begun) / 1_000).toFixed(1).padStart(5);
    return output.line({ text: `${seconds} s  `, style: 'dim' }, ...spans);
  };
  return {
    async job(job) {
      const { usdPerHour: price, usdSoFar } = job.cost;
      cost = `${usd(usdSoFar)} so far`;
      if (job.status === status) return;
      ({ status } = job);
      await pods.look();
      await say(statusSpan(status), price === null ? '' : `  pod at ${usdPerHour(price)}, ${cost}`);
    },
    async line(logLine) {
      const metric = readMetric(logLine.text);
      if (metric === null) return say('  ', ...spansOfLine(logLine));
      const { event, step, totalSteps, loss } = metric;
      const isShown = step !== null && (step === 1 || step % SHOWN_STEPS === 0);
      if (event !== 'step' || !isShown || totalSteps === null) return;
      const bar = barOf(step / totalSteps, BAR_WIDTH);
      await say(`  ${bar}  step ${step}/${totalSteps}  loss ${loss?.toFixed(3) ?? ''}  ${cost}`);
    },
  };
}
