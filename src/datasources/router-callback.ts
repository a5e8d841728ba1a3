/** Messages to a router that asked to be called back (Apollo's HTTP callback protocol 1.0). */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';

/** `gone`: the router does not know the subscription any more; `failed`: it did not take it. */
export type CallbackVerdict = 'taken' | 'gone' | 'failed';

export interface RouterCallbacks {
  /** One JSON message. Never rejects; ends within the deadline, or when aborted. */
  post(url: string, message: string, signal: AbortSignal): Promise<CallbackVerdict>;
  close(): void;
}

export interface RouterCallbacksDeps {
  /** Of one message, retries and waiting for a connection included. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
const RETRY_AFTER_MS = [100, 400];
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
    const isSecure = url.startsWith('https:');
    return new Promise((resolve, reject) => {
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
      request.end(message);
    });
  }

  /** Undefined: it is sure that the router did not take it, so that it may be sent again. */
  async function once(url: string, message: string, signal: AbortSignal) {
    try {
      const status = await send(url, message, signal);
      if (status >= 500) return undefined;
      if (status >= 200 && status < 300) return 'taken';
      return status === 404 ? 'gone' : 'failed';
    } catch (error) {
      // After anything else it may have been taken: sent again it would be there twice.
      const isRefused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      return isRefused ? undefined : 'failed';
    }
  }

  return {
    async post(url, message, signal) {
      const either = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      for (const waitMs of [...RETRY_AFTER_MS, undefined]) {
        const verdict = await once(url, message, either);
        if (verdict !== undefined) return verdict;
        if (waitMs === undefined) break;
        await pause(waitMs, undefined, { signal: either }).catch(() => undefined);
      }
      return 'failed';
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}
