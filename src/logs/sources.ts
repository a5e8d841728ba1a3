/** The platform's own log streams, gone on with after every cut. */
import { setTimeout as pause } from 'node:timers/promises';
import { AppError } from '../errors.ts';
import type { AgentRecord } from '../datasources/agent-schemas.ts';
import type { Platform, PlatformLogLine } from '../datasources/platform.ts';
import type { AgentLine } from '../datasources/pod-agent.ts';
import { createLineParts } from './line-parts.ts';

/** All that the platform keeps. */
const TAIL = 5_000;
const RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;

export interface PlatformSource {
  readonly platform: Pick<Platform, 'logs'>;
  readonly podId: string;
  readonly source: 'container' | 'system';
}

/**
 * Every line the platform tells, some of them twice, until the signal aborts. What it does not
 * answer is asked again, less and less often.
 * @throws what `take` throws
 */
export async function readPlatform(
  { platform, podId, source }: PlatformSource,
  after: string,
  signal: AbortSignal,
  take: (line: PlatformLogLine) => Promise<void>,
): Promise<void> {
  let last = after;
  let failures = 0;
  while (!signal.aborted) {
    // Of each stream, so that one that is left by a failing `take` frees its connection.
    const reading = new AbortController();
    const options = {
      source,
      signal: AbortSignal.any([signal, reading.signal]),
      ...(last === '' ? { tail: TAIL } : { after: last }),
    };
    try {
      for await (const line of platform.logs(podId, options)) {
        await take(line);
        last = line.eventId;
        failures = 0;
      }
    } catch (error) {
      if (!(error instanceof AppError) || error.code === 'STORE_UNAVAILABLE') throw error;
    } finally {
      reading.abort();
    }
    const ms = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures);
    failures += 1;
    await pause(ms, undefined, { signal }).catch(() => undefined);
  }
}

export interface LinesOfPlatform {
  /** Lines of one boot, in any order and with gaps, until the signal aborts. */
  read(
    bootId: string,
    signal: AbortSignal,
    take: (line: AgentLine) => Promise<void>,
  ): Promise<void>;
}

/** The container's output has the agent's records in it. PROTOCOL.md §5.4. */
export function createLinesOfPlatform(
  platform: Pick<Platform, 'logs'>,
  podId: string,
  readRecord: (text: string) => AgentRecord | null,
): LinesOfPlatform {
  let last = '';
  return {
    async read(bootId, signal, take) {
      const join = createLineParts(bootId);
      const from = { platform, podId, source: 'container' } as const;
      await readPlatform(from, last, signal, async ({ text, eventId }) => {
        const record = readRecord(text);
        const line = record === null ? null : join(record);
        if (line !== null) await take(line);
        last = eventId;
      });
    },
  };
}
