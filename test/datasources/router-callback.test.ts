import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createRouterCallbacks } from '../../src/datasources/router-callback.ts';

const TAKEN = 'HTTP/1.1 204 No Content\r\n\r\n';
const OTHER_PROTOCOL =
  'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n';

/** A router that answers what it gets with these in turn; null: it hangs up. */
async function startRouter(answers: readonly (string | null)[]) {
  let asked = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      const answer = answers[asked] ?? null;
      asked += 1;
      if (answer === null) socket.destroy();
      else socket.write(answer);
    });
  });
  const callbacks = createRouterCallbacks();
  onTestFinished(() => {
    callbacks.close();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `HTTP://127.0.0.1:${(server.address() as AddressInfo).port}/callback`;
  return {
    asked: () => asked,
    post: (isRepeatable: boolean) =>
      callbacks.post(url, '{}', { signal: new AbortController().signal, isRepeatable }),
  };
}

test('what may have been taken is sent again only where twice is as good as once', async () => {
  const once = await startRouter([null, TAKEN]);
  expect(await once.post(false)).toBe('failed');
  expect(once.asked()).toBe(1);
  const again = await startRouter([null, TAKEN]);
  expect(await again.post(true)).toBe('taken');
  expect(again.asked()).toBe(2);
});

test('an answer in another protocol is none, and keeps nobody waiting', async () => {
  const router = await startRouter([OTHER_PROTOCOL]);
  expect(await router.post(false)).toBe('failed');
});
