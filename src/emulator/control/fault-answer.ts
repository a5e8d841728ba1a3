/** What a request meets when faults fire at it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonAnswer, textAnswer } from '../http/answer.ts';
import type { Answer } from '../http/answer.ts';
import { Problem, problemAnswer } from '../http/problem.ts';
import type { RequestFault } from './fault-schema.ts';

/** Delays first; then the first fault that replaces the answer, or the real one. */
export async function answerUnder(
  faults: readonly RequestFault[],
  answer: () => Answer | Promise<Answer>,
): Promise<Answer> {
  for (const fault of faults) {
    if (fault.kind === 'delay') await sleep(fault.ms, undefined, { ref: false });
  }
  const [fault] = faults.filter(({ kind }) => kind !== 'delay');
  return fault === undefined ? answer() : replace(fault, answer);
}

async function replace(
  fault: RequestFault,
  answer: () => Answer | Promise<Answer>,
): Promise<Answer> {
  switch (fault.kind) {
    case 'status': {
      const { status, headers } = fault;
      if (fault.body !== undefined) return jsonAnswer(status, fault.body, headers);
      return problemAnswer(new Problem(status, 'fault injection', headers ? { headers } : {}));
    }
    case 'malformed':
      return textAnswer(200, '{"gpus": [', { 'content-type': 'application/json' });
    case 'body':
      return jsonAnswer(200, fault.body);
    case 'hang':
      return { kind: 'silence' };
    case 'reset':
      return { kind: 'reset' };
    case 'fail-after-effect':
      await answer();
      return problemAnswer(new Problem(fault.status, 'fault injection, after the effect'));
    case 'hang-after-effect':
      await answer();
      return { kind: 'silence' };
    case 'rate-limited':
      return problemAnswer(
        new Problem(429, 'rate limit exceeded for the minute window', {
          headers: { 'retry-after': String(fault.retryAfterSeconds) },
        }),
      );
    case 'insufficient-balance':
      return problemAnswer(new Problem(402, 'Insufficient balance.'));
    case 'unauthorized':
      return problemAnswer(new Problem(401, 'invalid bearer token'));
    case 'delay':
      return answer();
  }
}
