/**
 * Wake-ups between servers on one PostgreSQL, by LISTEN and NOTIFY on a connection of its own. This
 * server's own readers are woken directly, with or without a connection.
 *
 * - CONNECTING  next try after 100 ms, doubling to 5 s
 * - LISTENING   what was published since the last flush is sent, at most once per job and 20 ms
 * - CLOSED      final
 *
 * What is lost with a connection is made up for by waking everybody once it is back, and by readers
 * that look by themselves.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Bus } from './bus.ts';
import { createMemoryBus } from './memory.ts';

const CHANNEL = 'runpod_subgraph';
const FLUSH_MS = 20;
const RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** A peer that is gone without a word is noticed by the next query, and there is one this often. */
const HEARTBEAT_MS = 15_000;
const QUERY_TIMEOUT_MS = 5_000;

export interface PostgresBusOptions {
  readonly url: string;
  /** Told of each connection, for tests. */
  readonly onListening?: () => void;
}

export function createPostgresBus({ url, onListening }: PostgresBusOptions): Bus {
  const local = createMemoryBus();
  const stopping = new AbortController();
  const { signal } = stopping;
  const subscribed = new Map<string, number>();
  const dirty = new Set<string>();
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isSending = false;

  async function run(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await listen(() => {
          failures = 0;
        });
      } catch {
        // A lost connection costs latency only: whoever waits looks by itself.
      }
      const ms = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures);
      failures += 1;
      await pause(ms, undefined, { signal }).catch(() => undefined);
    }
  }

  /** As long as one connection lasts. */
  async function listen(onConnected: () => void): Promise<void> {
    const own = new pg.Client({
      connectionString: url,
      application_name: 'runpod-subgraph bus',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    const lost = new Promise<void>((resolve) => {
      own.on('error', () => {
        resolve();
      });
      own.on('end', resolve);
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
    own.on('notification', onNotification);
    let heartbeat: NodeJS.Timeout | undefined;
    try {
      await own.connect();
      await own.query(`listen ${CHANNEL}`);
      client = own;
      onConnected();
      onListening?.();
      wakeAll();
      flush();
      heartbeat = setInterval(() => {
        own.query('select 1').catch(() => own.end());
      }, HEARTBEAT_MS);
      await lost;
    } finally {
      clearInterval(heartbeat);
      client = null;
      await own.end().catch(() => undefined);
    }
  }

  function onNotification({ payload, processId }: pg.Notification): void {
    // Our own were woken when they were published.
    if (payload === undefined || processId === ownPid()) return;
    if (subscribed.has(payload)) local.publish(payload);
  }

  function ownPid(): number | undefined {
    // Not in the types of `pg`, and in its documentation of notifications.
    return (client as { processID?: number } | null)?.processID;
  }

  function wakeAll(): void {
    for (const jobId of subscribed.keys()) local.publish(jobId);
  }

  function flush(): void {
    timer = undefined;
    if (client === null || isSending || dirty.size === 0) return;
    const jobIds = [...dirty];
    dirty.clear();
    isSending = true;
    const sent = client.query('select pg_notify($1, job) from unnest($2::text[]) as job', [
      CHANNEL,
      jobIds,
    ]);
    sent
      .catch(() => client?.end())
      .finally(() => {
        isSending = false;
        if (dirty.size > 0) schedule();
      })
      .catch(() => undefined);
  }

  function schedule(): void {
    if (!signal.aborted) timer ??= setTimeout(flush, FLUSH_MS);
  }

  const running = run();
  return {
    publish(jobId) {
      local.publish(jobId);
      dirty.add(jobId);
      schedule();
    },
    subscribe(jobId, wake) {
      subscribed.set(jobId, (subscribed.get(jobId) ?? 0) + 1);
      const leave = local.subscribe(jobId, wake);
      let isLeft = false;
      return () => {
        if (isLeft) return;
        isLeft = true;
        leave();
        const left = (subscribed.get(jobId) ?? 1) - 1;
        if (left > 0) subscribed.set(jobId, left);
        else subscribed.delete(jobId);
      };
    },
    async close() {
      stopping.abort();
      clearTimeout(timer);
      await running;
      await local.close();
    },
  };
}
