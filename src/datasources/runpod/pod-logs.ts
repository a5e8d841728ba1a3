/**
 * A pod's log as RunPod keeps it: Server-Sent Events that never end by themselves. Cursors are
 * timestamps with a counter; treat delivery as at least once.
 */
import { EventSourceParserStream } from 'eventsource-parser/stream';
import { AppError } from '../../errors.ts';
import type { LogOptions, PlatformLogLine } from '../platform.ts';
import { transportFault } from './problem.ts';
import type { RestClient } from './rest-client.ts';
import { logEventSchema } from './rest-schemas.ts';

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
  const signal = AbortSignal.any([reading.signal, options.signal]);
  const silence = setTimeout(() => {
    reading.abort(new AppError('PLATFORM_TIMEOUT', "RunPod's log stream fell silent."));
  }, SILENCE_MS);
  try {
    const response = await client.open({
      method: 'GET',
      route: ROUTE,
      parameters: { id: podId },
      query: queryOf(options),
      headers: headersOf(options),
      signal,
    });
    if (response.body === null) return;
    const events = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(
      new EventSourceParserStream({
        maxBufferSize: MAX_FRAME_CHARACTERS,
        // Heartbeats are comments.
        onComment: () => silence.refresh(),
      }),
    );
    for await (const event of events) {
      const line = toLine(event.id, event.data);
      // The reader may take its time: that is not the stream's silence.
      clearTimeout(silence);
      if (line !== null) yield line;
      silence.refresh();
    }
  } catch (error) {
    if (options.signal.aborted) return;
    throw named(error, reading.signal);
  } finally {
    clearTimeout(silence);
    reading.abort();
  }
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function named(error: unknown, reading: AbortSignal): AppError {
  if (reading.reason instanceof AppError) return reading.reason;
  return error instanceof AppError ? error : transportFault(`GET ${ROUTE}`, error, false);
}
