/** The process of the CLI: streams, Ctrl-C, exit code. */
import process from 'node:process';
import { runCli } from './program.ts';

const EXIT_INTERRUPTED = 130;
/** Ctrl-C under npm comes twice, from the terminal and from npm: that is one wish, not two. */
const SAME_KEYSTROKE_MS = 200;

const interruption = new AbortController();
let interruptedAt: number | undefined;
process.on('SIGINT', () => {
  const now = performance.now();
  if (interruptedAt !== undefined && now - interruptedAt > SAME_KEYSTROKE_MS) {
    process.exit(EXIT_INTERRUPTED);
  }
  interruptedAt ??= now;
  interruption.abort();
});

// Who reads no further (`… | head`) wants no more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

process.exitCode = await runCli({
  argv: process.argv.slice(2),
  // eslint-disable-next-line no-restricted-properties -- a program of its own; config.ts is the server's
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interruption.signal,
});
