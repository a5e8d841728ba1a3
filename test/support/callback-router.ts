/** A router as far as it is called back: what it is sent, and what it answers, by the test's will. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

const messageSchema = z.strictObject({
  kind: z.literal('subscription'),
  action: z.enum(['check', 'next', 'complete']),
  id: z.string(),
  verifier: z.string(),
  payload: z.unknown().optional(),
  errors: z.array(z.unknown()).optional(),
});
export type CallbackMessage = z.infer<typeof messageSchema>;

/** Undefined: never. */
export type Answer = (message: CallbackMessage) => number | undefined;

export const SECRET = 'a-secret-of-the-router';

export async function startRouter(answer: Answer = () => 204) {
  const messages: CallbackMessage[] = [];
  const paths: string[] = [];
  let respond = answer;
  let hold: Promise<void> = Promise.resolve();
  let onHeld: (() => void) | undefined;
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      const message = messageSchema.parse(JSON.parse(text));
      messages.push(message);
      const status = respond(message);
      const headers = status === 302 ? { location: '/elsewhere' } : {};
      onHeld?.();
      void hold.then(() => {
        if (status !== undefined) response.writeHead(status, headers).end();
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/callback`;
  let ids = 0;

  return {
    url,
    messages,
    paths,
    nexts: () => messages.filter(({ action }) => action === 'next').map(({ payload }) => payload),
    complete: () => messages.find(({ action }) => action === 'complete'),
    /** From now on. */
    answerWith(next: Answer) {
      respond = next;
    },
    /** Answers nothing until then; ends when there is something to answer. */
    hold(until: Promise<void>): Promise<void> {
      hold = until;
      return new Promise((resolve) => (onHeld = resolve));
    },
    /** Asks the subgraph, as a router does. */
    async ask(
      subgraph: string,
      request: { query: string; variables?: object },
      more: { secret?: string | null; extension?: object } = {},
    ) {
      ids += 1;
      const subscription = {
        callbackUrl: `${url}/id-${ids}`,
        subscriptionId: `id-${ids}`,
        verifier: 'verifier',
        heartbeatIntervalMs: 0,
        ...more.extension,
      };
      const { secret = SECRET } = more;
      const response = await fetch(`${subgraph}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json;callbackSpec=1.0',
          ...(secret !== null && { 'router-authorization': secret }),
        },
        body: JSON.stringify({ ...request, extensions: { subscription } }),
      });
      const body = (await response.json()) as {
        data?: null;
        errors?: { message: string; extensions: { code: string } }[];
      };
      return { status: response.status, ...body };
    },
  };
}
