/**
 * A pod's log as RunPod keeps it: Server-Sent Events that never end by themselves. Cursors are
 * timestamps with a counter; treat delivery as at least once.
 */
import { createParser } from 'eventsource-parser';
import type { EventSourceMessage } from 'eventsource-parser';
import { AppError } from '../../errors.ts';
import type { LogOptions, PlatformLogLine } from '../platform.ts';
import { createSilence } from '../silence.ts';
import { transportFault } from './problem.ts';
import type { RestClient } from './rest-client.ts';
import { logEventSchema } from './rest-schemas.ts';
import { parseJson } from '../json.ts';

const ROUTE = '/v2/pods/{id}/logs';

/** RunPod sends heartbeats; a stream without even those is dead (the proxy cuts at 100 s). */
const SILENCE_MS = 120_000;

/** A frame larger than this is an upstream gone wrong: 1 MiB of text and its envelope. */
const MAX_FRAME_CHARACTERS = 1024 * 1024 + 1024;

/**
 * Lines from where `options` says. Ends when the upstream closes the stream: go on after the last
 * `eventId`. A consumer that leaves must abort `options.signal`: it frees the connection at once.
 *
 * @throws {AppError} NOT_FOUND PLATFORM_…
 */
export async function* readPodLogs(
  client: RestClient,
  podId: string,
  options: LogOptions,
): AsyncGenerator<PlatformLogLine, void, undefined> {
  const reading = new AbortController();
  const silence = createSilence(
    SILENCE_MS,
    () => new AppError('PLATFORM_TIMEOUT', "RunPod's log stream fell silent.", { retryable: true }),
  );
  const signal = AbortSignal.any([reading.signal, silence.signal, options.signal]);
  try {
    const body = await client.open({
      method: 'GET',
      route: ROUTE,
      parameters: { id: podId },
      query: queryOf(options),
      headers: headersOf(options),
      urgency: 'background',
      signal,
    });
    const events = createEvents();
    for await (const chunk of body) {
      silence.heard();
      for (const { id, data } of events.read(chunk)) {
        const line = toLine(id, data);
        if (line !== null) yield line;
      }
      silence.listen();
    }
  } catch (error) {
    if (options.signal.aborted) return;
    throw named(error, silence.signal);
  } finally {
    silence.end();
    reading.abort();
  }
}

function createEvents() {
  const decoder = new TextDecoder();
  let events: EventSourceMessage[] = [];
  const parser = createParser({
    maxBufferSize: MAX_FRAME_CHARACTERS,
    onEvent: (event) => {
      events.push(event);
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw error;
    },
  });
  return {
    read(chunk: Uint8Array): readonly EventSourceMessage[] {
      events = [];
      parser.feed(decoder.decode(chunk, { stream: true }));
      return events;
    },
  };
}

function queryOf({ source, tail, after }: LogOptions): Record<string, string | number> {
  return {
    ...(source === undefined ? {} : { source }),
    ...(after === undefined && tail !== undefined ? { tail } : {}),
  };
}

function headersOf({ after }: LogOptions): Record<string, string> {
  return {
    accept: 'text/event-stream',
    ...(after === undefined ? {} : { 'last-event-id': after }),
  };
}

/** Null for a frame that is no log line: failing would fail again on every resumption. */
function toLine(id: string | undefined, data: string): PlatformLogLine | null {
  const event = logEventSchema.safeParse(parseJson(data));
  if (!event.success) return null;
  const { ts, source, line } = event.data;
  return { eventId: id ?? ts, at: Date.parse(ts), source, text: line };
}

function named(error: unknown, silent: AbortSignal): AppError {
  if (silent.reason instanceof AppError) return silent.reason;
  return error instanceof AppError ? error : transportFault(`GET ${ROUTE}`, error, false);
}
