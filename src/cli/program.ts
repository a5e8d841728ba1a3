/** Command line → session → command → exit code. */
import { Command, CommanderError } from 'commander';
import { createApi } from './api.ts';
import { addDownload } from './commands/download.ts';
import { addGpus } from './commands/gpus.ts';
import { addList } from './commands/list.ts';
import { addLogs } from './commands/logs.ts';
import { addPlan } from './commands/plan.ts';
import { addPods } from './commands/pods.ts';
import { addShow } from './commands/show.ts';
import { addRetry, addSubmit } from './commands/submit.ts';
import { addUpload } from './commands/upload.ts';
import { addWishes } from './commands/wish.ts';
import { CliFailure } from './failure.ts';
import { createOutput } from './output.ts';
import type { Output, TextSink } from './output.ts';
import { safeText } from './safe-text.ts';
import { FIRST_RETRY_MS, POLL_MS, SETTLED_MS, createCommandLine, createRetry } from './session.ts';
import type { Session } from './session.ts';

export interface CliOptions {
  /** Without the names of Node and of the program. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Both for tests, which have no time. */
  readonly firstRetryMs?: number;
  readonly pollMs?: number;
}

export type OpenSession = (command: Command) => Session;

const DEFAULT_URL = 'http://127.0.0.1:4000/graphql';
const EXIT_USAGE = 2;
const EXIT_BUG = 1;

/** @returns the exit code */
export async function runCli(options: CliOptions): Promise<number> {
  const { argv, stdout, stderr, env } = options;
  // Faults of the command line itself are told in the wanted form as well.
  const output = createOutput({ stdout, stderr, env, isJson: argv.includes('--json') });
  const program = createProgram(options, output);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    if (error instanceof CommanderError) {
      if (output.isJson) await output.failure(new CliFailure('usage', error.message));
      return EXIT_USAGE;
    }
    if (error instanceof CliFailure) {
      await output.failure(error);
      return error.exitCode;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    for (const line of text.split('\n')) await output.note(line);
    return EXIT_BUG;
  }
}

function createProgram(options: CliOptions, output: Output): Command {
  const { stdout, stderr, env, signal } = options;
  const program = new Command('runpod-subgraph')
    .description('Client of a runpod-subgraph server: GPUs and prices, trainings, logs, results.')
    .option('--url <url>', 'GraphQL endpoint of the server', env.RUNPOD_SUBGRAPH_URL ?? DEFAULT_URL)
    .option('--json', 'for scripts: JSON on standard output, one document, or one per line')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => stdout.write(text, () => undefined),
      writeErr: (text) => {
        if (!output.isJson) writeSafely(stderr, text);
      },
    })
    .addHelpText('after', HELP);
  const open: OpenSession = (command) => {
    const { url } = command.optsWithGlobals<{ url: string }>();
    checkUrl(url);
    const api = createApi({
      url,
      signal,
      onWarning: (message) => void output.note({ text: `! ${message}`, style: 'yellow' }),
    });
    const retry = createRetry(output, signal, options.firstRetryMs ?? FIRST_RETRY_MS);
    const start = env.npm_lifecycle_event === 'cli' ? 'npm run cli --' : 'runpod-subgraph';
    const isUrlGiven = program.getOptionValueSource('url') === 'cli';
    const commandLine = createCommandLine(start, isUrlGiven ? url : undefined);
    const pollMs = options.pollMs ?? POLL_MS;
    return { api, output, signal, retry, pollMs, settledMs: SETTLED_MS, commandLine };
  };
  for (const add of COMMANDS) add(program, open);
  return program;
}

/** What Commander says repeats what was typed, or pasted. */
function writeSafely(sink: TextSink, text: string): void {
  sink.write(text.split('\n').map(safeText).join('\n'), () => undefined);
}

/** @throws {CliFailure} usage */
function checkUrl(text: string): void {
  const url = URL.parse(text);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return;
  const hint = `Give --url or RUNPOD_SUBGRAPH_URL such as ${DEFAULT_URL}.`;
  throw new CliFailure('usage', `${text} is no http(s) URL.`, { hint });
}

const COMMANDS = [
  addGpus,
  addPlan,
  addSubmit,
  addList,
  addShow,
  addLogs,
  addWishes,
  addRetry,
  addDownload,
  addUpload,
  addPods,
];

const HELP = `
Exit codes: 0 done; 1 refused, or the job that was followed ended without a result; 2 wrong usage;
3 the server is not reachable; 4 there is no such thing; 130 interrupted.`;
