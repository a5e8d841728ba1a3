/** Reads a pod's log stream the way a client does, a frame at a time. */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import type { Emulator } from '../../src/emulator/emulator.ts';

const dataSchema = z.strictObject({
  ts: z.iso.datetime(),
  source: z.enum(['container', 'system']),
  line: z.string(),
});

export interface LogEvent extends z.infer<typeof dataSchema> {
  readonly id: string;
}

export interface LogReader {
  readonly response: Response;
  /** The next events of the stream; fewer where it ends before. */
  take(count: number): Promise<LogEvent[]>;
  /** How many comments came so far. */
  comments(): number;
}

interface ReadOptions {
  readonly query?: string;
  readonly lastEventId?: string;
}

/** Follows a log until the test ends. A cut connection is the end of the stream, no error. */
export async function openLog(
  { url }: Emulator,
  podId: string,
  { query = '', lastEventId }: ReadOptions = {},
): Promise<LogReader> {
  const leaving = new AbortController();
  onTestFinished(() => {
    leaving.abort();
  });
  const response = await fetch(`${url}/v2/pods/${podId}/logs${query}`, {
    headers: {
      authorization: 'Bearer test-key',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal: leaving.signal,
  });
  let comments = 0;
  const events = response.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ onComment: () => (comments += 1) }))
    .getReader();

  async function next(): Promise<LogEvent | null> {
    const result = await events?.read().catch(() => undefined);
    if (result?.value === undefined) return null;
    return { id: result.value.id ?? '', ...dataSchema.parse(JSON.parse(result.value.data)) };
  }

  return {
    response,
    comments: () => comments,
    async take(count) {
      const taken: LogEvent[] = [];
      while (taken.length < count) {
        const event = await next();
        if (event === null) return taken;
        taken.push(event);
      }
      return taken;
    },
  };
}

export function linesOf(events: readonly LogEvent[]): string[] {
  return events.map(({ line }) => line);
}
