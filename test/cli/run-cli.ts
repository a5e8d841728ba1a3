/** The CLI in this process, with streams that remember. */
import { runCli } from '../../src/cli/program.ts';

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** The JSON documents on standard output, one a line. */
  readonly documents: readonly unknown[];
}

export interface CliSetting {
  readonly url?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Columns of a terminal; absent: the output goes into a pipe. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Told of everything that is printed on standard output. */
  readonly onOut?: (text: string) => void;
}

export async function cli(argv: readonly string[], setting: CliSetting = {}): Promise<CliRun> {
  const { url, env = {}, columns, onOut, signal = new AbortController().signal } = setting;
  const stdout = createSink(columns, onOut);
  const stderr = createSink(columns);
  const code = await runCli({
    argv,
    env: { ...(url !== undefined && { RUNPOD_SUBGRAPH_URL: url }), ...env },
    stdout,
    stderr,
    signal,
    firstRetryMs: 5,
    pollMs: 20,
  });
  const out = stdout.text();
  return {
    code,
    out,
    err: stderr.text(),
    get documents() {
      return out
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
    },
  };
}

export function createSink(columns: number | undefined, onWrite?: (text: string) => void) {
  let text = '';
  return {
    ...(columns === undefined ? {} : { isTTY: true, columns }),
    text: () => text,
    write(chunk: string, done: () => void) {
      text += chunk;
      onWrite?.(chunk);
      done();
    },
  };
}
