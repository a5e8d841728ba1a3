import type { IncomingMessage } from 'node:http';
import { OperationTypeNode } from 'graphql';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createCallbacks } from '../../src/http/callbacks.ts';
import type { CallbacksDeps } from '../../src/http/callbacks.ts';
import type { Operation } from '../../src/http/operations.ts';
import { createPayload } from '../../src/http/payload.ts';
import { createSlots } from '../../src/http/slots.ts';

const SECRET = 'a-secret-of-the-router';

/** Two results at once, and then what `done` says. */
function deliveryOf(done: Promise<void>): CallbacksDeps['delivery'] {
  return {
    prepare: (_request: unknown, of: object) => ({
      ...of,
      definition: { operation: OperationTypeNode.SUBSCRIPTION },
    }),
    run({ reader }: Operation) {
      reader.offer(createPayload({ data: 1 }));
      reader.offer(createPayload({ data: 2 }));
      return { done, stop: () => undefined };
    },
    endStreams: () => undefined,
    slots: createSlots(1),
    maxBufferedBytes: 1_000,
  } as unknown as CallbacksDeps['delivery'];
}

async function subscribe(done: Promise<void>, post: CallbacksDeps['router']['post']) {
  let open = 0;
  const callbacks = createCallbacks({
    delivery: deliveryOf(done),
    settings: { urls: ['http://router/'], secret: SECRET },
    router: { post },
    onCallbacks: (now) => {
      open = now;
    },
  });
  const subscription = { callbackUrl: 'http://router/1', subscriptionId: '1', verifier: '' };
  const request = { method: 'POST', headers: { 'router-authorization': SECRET } };
  await callbacks.answer(
    request as unknown as IncomingMessage,
    { query: 'subscription { x }', extensions: { subscription } },
    () => ({}) as never,
  );
  return { callbacks, open: () => open };
}

test('the end is told behind all that waits, however long the router takes', async () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const actions: string[] = [];
  let take: (() => void) | undefined;
  const { open } = await subscribe(Promise.resolve(), async (_url, message) => {
    const { action } = JSON.parse(message) as { action: string };
    if (action === 'next') await new Promise<void>((resolve) => (take = resolve));
    actions.push(action);
    return 'taken';
  });
  for (let message = 0; message < 2; message += 1) {
    await vi.advanceTimersByTimeAsync(100_000);
    take?.();
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(actions.filter((action) => action !== 'check')).toEqual(['next', 'next', 'complete']);
  expect(open()).toBe(0);
});

test('a shutdown whose time is up waits for no stream that hangs', async () => {
  const hanging = new Promise<void>(() => undefined);
  const { callbacks, open } = await subscribe(hanging, () => Promise.resolve('taken'));
  const stopped = callbacks.stop();
  expect(open()).toBe(1);
  callbacks.terminate();
  await stopped;
});
