/** A process of ours that answers questions, one at a time, and ends with this one at the latest. */
import { fork } from 'node:child_process';
import { once } from 'node:events';

/** Time to end by itself before it is killed; a profile is written in it. */
const END_GRACE_MS = 5_000;

export interface Child {
  /** What the process says next; rejects if it ends, or if the signal aborts. */
  next(signal: AbortSignal): Promise<unknown>;
  ask(question: object, signal: AbortSignal): Promise<unknown>;
  end(): Promise<void>;
}

export function startChild(name: string, module: URL, args: readonly string[]): Child {
  const child = fork(module, args, {
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const gone = new AbortController();
  const exited = once(child, 'exit').then(([code]) => {
    gone.abort(new Error(`the process "${name}" ended with ${String(code)}`));
  });

  async function next(signal: AbortSignal): Promise<unknown> {
    const either = AbortSignal.any([signal, gone.signal]);
    try {
      const [message] = (await once(child, 'message', { signal: either })) as [unknown];
      return message;
    } catch (error) {
      throw either.aborted ? either.reason : error;
    }
  }

  return {
    next,
    ask(question, signal) {
      const answer = next(signal);
      child.send(question);
      return answer;
    },
    async end() {
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), END_GRACE_MS);
      await exited;
      clearTimeout(timer);
    },
  };
}
