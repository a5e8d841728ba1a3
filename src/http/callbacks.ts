/**
 * Subscriptions by HTTP callback (Apollo's protocol 1.0): the router asks once, with a URL to be
 * called at, and is sent a message for each result. Off unless URLs and a secret are set; otherwise
 * anybody could make this server call addresses of its choice.
 *
 * A subscription's states:
 * - CHECKING  the router is asked whether it knows of it; if not, it is refused
 * - RUNNING   results are sent, one message at a time; the router is asked again and again
 * - ENDED     the stream is over, or the router did not take a message: `complete` was sent, unless it
 *             does not know of the subscription any more
 */
import type { IncomingMessage } from 'node:http';
import { OperationTypeNode } from 'graphql';
import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import type { Context } from '../context.ts';
import type { RouterCallbacks } from '../datasources/router-callback.ts';
import { createCallbackReader } from './callback-reader.ts';
import type { CallbackReader } from './callback-reader.ts';
import { callbackExtensionOf, readTarget } from './callback-request.ts';
import type { CallbackSettings, CallbackTarget } from './callback-request.ts';
import type { Delivery, Run } from './delivery.ts';
import type { Operation } from './operations.ts';
import { refused, SHUTTING_DOWN, TOO_MANY_STREAMS } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { readParameters } from './request-parameters.ts';

/** Where the router asks for none: one that is gone must be noticed. */
const SELDOM_MS = 30_000;
const LEAST_HEARTBEAT_MS = 500;
/** Within each interval, not at its end. */
const HEARTBEAT_SHARE = 0.8;

export interface CallbacksDeps {
  readonly delivery: Delivery;
  /** Absent: nobody is called. */
  readonly settings: CallbackSettings | undefined;
  readonly router: Pick<RouterCallbacks, 'post'>;
  readonly onCallbacks: (open: number) => void;
}

export interface CallbackAnswer {
  readonly status: number;
  readonly body: { readonly data?: null; readonly errors?: readonly GraphQLFormattedError[] };
}

export interface Callbacks {
  /** Undefined: the request does not ask to be called back. */
  answer(
    request: IncomingMessage,
    body: unknown,
    freshContext: () => Context,
  ): Promise<CallbackAnswer | undefined>;
  /** Ends streams and waits until routers know; `terminate` hastens that. */
  stop(): Promise<void>;
  terminate(): void;
}

interface Subscription {
  readonly reader: CallbackReader;
  readonly post: (
    action: 'check' | 'next' | 'complete',
    more?: string,
  ) => ReturnType<RouterCallbacks['post']>;
  isPolite: boolean;
  /** The router did not take something, but may go on waiting for more. */
  isCut: boolean;
  run: Run | undefined;
}

export function createCallbacks({
  delivery,
  settings,
  router,
  onCallbacks,
}: CallbacksDeps): Callbacks {
  const open = new Map<string, Subscription>();
  const waiting = new Set<() => void>();
  const terminated = new AbortController();
  let isStopping = false;

  function createSubscription({ callbackUrl, subscriptionId: id, verifier }: CallbackTarget) {
    const post: Subscription['post'] = (action, more = '') => {
      const head = JSON.stringify({ kind: 'subscription', action, id, verifier });
      return router.post(callbackUrl, `${head.slice(0, -1)}${more}}`, {
        signal: terminated.signal,
        isRepeatable: action !== 'next',
      });
    };
    const subscription: Subscription = {
      post,
      isPolite: false,
      isCut: false,
      run: undefined,
      reader: createCallbackReader({
        post: (result) => post('next', `,"payload":${result}`),
        maxBufferedBytes: delivery.maxBufferedBytes,
        onLost: (verdict) => {
          lose(subscription, verdict);
        },
        expectGoodbye: () => {
          subscription.isPolite = true;
        },
      }),
    };
    return subscription;
  }

  /** Runs until the stream is over or the router is lost. */
  async function follow(
    subscription: Subscription,
    operation: Operation,
    heartbeatMs: number,
  ): Promise<void> {
    const { reader, post } = subscription;
    let failure: FormattedExecutionResult['errors'];
    const run = delivery.run(operation, async (result) => {
      // What did not even begin has no result, only an end.
      if (result.data === undefined) failure = result.errors;
      else await reader.send(result);
    });
    subscription.run = run;
    if (isStopping && !subscription.isPolite) run.stop();
    const heart = beat(subscription, heartbeatMs);
    await run.done;
    // Behind everything that waits: each message has its deadline, and one that is not taken closes.
    while (!(await reader.drained(SELDOM_MS, { isRaised: false, onRaise: undefined })));
    clearInterval(heart);
    const more = failure === undefined ? '' : `,"errors":${JSON.stringify(failure)}`;
    if (reader.isOpen() || subscription.isCut) await post('complete', more);
  }

  function lose(subscription: Subscription, verdict: 'gone' | 'failed'): void {
    subscription.isCut = verdict === 'failed';
    subscription.reader.close();
    subscription.run?.stop();
  }

  function beat(subscription: Subscription, everyMs: number): NodeJS.Timeout {
    let isBeating = false;
    return setInterval(() => {
      if (isBeating) return;
      isBeating = true;
      void subscription.post('check').then((verdict) => {
        isBeating = false;
        if (verdict !== 'taken') lose(subscription, verdict);
      });
    }, everyMs).unref();
  }

  async function begin(
    key: string,
    subscription: Subscription,
    operation: Operation,
    target: CallbackTarget,
  ): Promise<CallbackAnswer> {
    open.set(key, subscription);
    onCallbacks(open.size);
    if ((await subscription.post('check')) !== 'taken') {
      end(key);
      return toAnswer(UNCONFIRMED);
    }
    void follow(subscription, operation, heartbeatOf(target)).finally(() => {
      end(key);
    });
    return { status: 200, body: { data: null } };
  }

  function end(key: string): void {
    open.delete(key);
    delivery.slots.free();
    onCallbacks(open.size);
    if (open.size === 0) for (const resolve of waiting) resolve();
  }

  return {
    async answer(request, body, freshContext) {
      const extension = callbackExtensionOf(body);
      if (extension === undefined) return undefined;
      const target = readTarget(request.headers, extension, settings);
      if (target.kind === 'refused') return toAnswer(target);
      const parameters = request.method === 'POST' ? readParameters(request, body) : undefined;
      if (parameters === undefined) return toAnswer(MALFORMED);
      const subscription = createSubscription(target);
      const { reader } = subscription;
      const operation = delivery.prepare(parameters, { freshContext, reader });
      if (!('definition' in operation)) {
        return { status: 400, body: { errors: delivery.mask(operation) } };
      }
      if (operation.definition.operation !== OperationTypeNode.SUBSCRIPTION) {
        return toAnswer(NO_SUBSCRIPTION);
      }
      const key = `${target.callbackUrl} ${target.subscriptionId}`;
      if (open.has(key)) return toAnswer(TWICE);
      if (isStopping) return toAnswer(SHUTTING_DOWN);
      if (!delivery.slots.take()) return toAnswer(TOO_MANY_STREAMS);
      return begin(key, subscription, operation, target);
    },
    async stop() {
      isStopping = true;
      delivery.endStreams();
      for (const { isPolite, run } of open.values()) if (!isPolite) run?.stop();
      if (open.size > 0) await new Promise<void>((resolve) => waiting.add(resolve));
    },
    terminate() {
      terminated.abort();
      for (const { reader, run } of open.values()) {
        reader.close();
        run?.stop();
      }
      // What reads a store that does not answer ends later: nothing of it is sent any more.
      for (const resolve of waiting) resolve();
    },
  };
}

function heartbeatOf({ heartbeatIntervalMs: asked }: CallbackTarget): number {
  return asked === 0 ? SELDOM_MS : Math.max(LEAST_HEARTBEAT_MS, asked * HEARTBEAT_SHARE);
}

function toAnswer({ status, code, message }: Refusal): CallbackAnswer {
  return { status, body: { errors: [{ message, extensions: { code } }] } };
}

const MALFORMED = refused(
  400,
  'BAD_REQUEST',
  'Ask to be called back with POST and a JSON body: query, and operationName and variables where there are some.',
);
const NO_SUBSCRIPTION = refused(
  400,
  'BAD_REQUEST',
  'extensions.subscription goes with subscriptions only: leave it out, nobody was called.',
);
const TWICE = refused(400, 'BAD_REQUEST', 'A subscription of this id is running already.');
const UNCONFIRMED = refused(
  400,
  'BAD_REQUEST',
  'The callback URL did not confirm the subscription: it must answer a check with 204.',
);
