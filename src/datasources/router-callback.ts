/** Messages to a router that asked to be called back (Apollo's HTTP callback protocol 1.0). */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

/** `gone`: the router does not know the subscription any more; `failed`: it did not take it. */
export type CallbackVerdict = 'taken' | 'gone' | 'failed';

export interface PostOptions {
  readonly signal: AbortSignal;
  /** To be taken twice does no harm: it is sent again wherever it may not have been taken. */
  readonly isRepeatable: boolean;
}

export interface RouterCallbacks {
  /** One JSON message. Never rejects; ends within the deadline, or when aborted. */
  post(url: string, message: string, options: PostOptions): Promise<CallbackVerdict>;
  close(): void;
}

export interface RouterCallbacksDeps {
  /** Of one message, retries and waiting for a connection included. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = [100, 400];
/** Of something between here and the router, which may have handed on what it was sent. */
const IN_DOUBT: ReadonlySet<number> = new Set([502, 504]);
/** At a time, to one router; the rest waits. */
const MAX_SOCKETS = 64;
/** A router answers with nothing. */
const MAX_ANSWER_BYTES = 64 * 1024;

export function createRouterCallbacks({
  timeoutMs = TIMEOUT_MS,
}: RouterCallbacksDeps = {}): RouterCallbacks {
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };

  /** @returns the status; redirects are not followed */
  function send(url: string, message: string, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const isSecure = new URL(url).protocol === 'https:';
      const request = (isSecure ? httpsRequest : httpRequest)(url, {
        method: 'POST',
        agent: isSecure ? agents.https : agents.http,
        signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(message),
          'subscription-protocol': 'callback/1.0',
        },
      });
      request.on('error', reject);
      request.on('response', (response) => {
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) response.destroy();
        });
        response.on('error', () => undefined);
        response.on('close', () => {
          resolve(response.statusCode ?? 0);
        });
      });
      // Nothing else tells of an answer with another protocol (101).
      request.on('upgrade', (_response, socket) => {
        socket.destroy();
        reject(new Error('The router answered in another protocol'));
      });
      request.end(message);
    });
  }

  /** Undefined: it may be sent again, as the router did not take it, or may take it twice. */
  async function once(url: string, message: string, { signal, isRepeatable }: PostOptions) {
    try {
      const status = await send(url, message, signal);
      if (status >= 500) return IN_DOUBT.has(status) && !isRepeatable ? 'failed' : undefined;
      if (status >= 200 && status < 300) return 'taken';
      return status === 404 ? 'gone' : 'failed';
    } catch (error) {
      // After anything else it may have been taken: sent again it would be there twice.
      const isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      return isRefused || (isRepeatable && !signal.aborted) ? undefined : 'failed';
    }
  }

  return {
    async post(url, message, options) {
      const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)]);
      for (const waitMs of [...RETRY_AFTER_MS, undefined]) {
        const verdict = await once(url, message, { ...options, signal });
        if (verdict !== undefined) return verdict;
        if (waitMs === undefined) break;
        await pause(waitMs, undefined, { signal }).catch(() => undefined);
      }
      return 'failed';
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
