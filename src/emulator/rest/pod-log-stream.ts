/** A pod's log as Server-Sent Events: history, then live, with no mark between them. */
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import type { SseFaults } from '../control/faults.ts';
import type { Answer } from '../http/answer.ts';
import type { Incoming } from '../http/incoming.ts';
import { parseQuery, queryInteger } from '../http/validation.ts';
import type { LogEvent, PodLog } from '../pods/pod-log.ts';

const DEFAULT_TAIL = 100;
const MAX_TAIL = 5_000;
/** A reader that leaves this much unread is cut. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;

const querySchema = z.object({
  source: z.enum(['container', 'system']).optional(),
  tail: queryInteger(0, MAX_TAIL).optional(),
  since: z.iso.datetime({ offset: true }).optional(),
});

export function podLogAnswer(
  { query, headers }: Incoming,
  log: PodLog,
  faults: SseFaults,
  heartbeatMs: number,
): Answer {
  const wanted = parseQuery(querySchema, query);
  const lastEventId = headers['last-event-id'];
  const isWanted = ({ source }: LogEvent): boolean =>
    wanted.source === undefined || source === wanted.source;
  const history = pickHistory(
    log.events().filter(isWanted),
    typeof lastEventId === 'string' ? lastEventId : undefined,
    wanted,
  );
  return {
    kind: 'stream',
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache',
      connection: 'keep-alive',
      'x-accel-buffering': 'no',
    },
    run: (response) => {
      const send = eventWriter(response, faults);
      history.forEach(send);
      const leave = log.subscribe((event) => {
        if (isWanted(event)) send(event);
      });
      const heartbeat = setInterval(() => response.write(':\n\n'), heartbeatMs);
      response.on('close', () => {
        leave();
        clearInterval(heartbeat);
      });
    },
  };
}

/** Last-Event-ID is exclusive and wins over `since`, which wins over `tail`. */
function pickHistory(
  events: readonly LogEvent[],
  lastEventId: string | undefined,
  { since, tail = DEFAULT_TAIL }: z.infer<typeof querySchema>,
): readonly LogEvent[] {
  if (lastEventId !== undefined) return events.filter(({ id }) => id > lastEventId);
  if (since !== undefined) {
    const from = Date.parse(since);
    return events.filter(({ ts }) => Date.parse(ts) >= from);
  }
  return tail === 0 ? [] : events.slice(-tail);
}

function eventWriter(response: ServerResponse, faults: SseFaults): (event: LogEvent) => void {
  let sent = 0;
  return ({ id, ts, source, line }) => {
    if (response.destroyed) return;
    sent += 1;
    if (faults.dropEvery !== null && sent % faults.dropEvery === 0) return;
    const frame = `id: ${id}\ndata: ${JSON.stringify({ ts, source, line })}\n\n`;
    const isDoubled = faults.duplicateEvery !== null && sent % faults.duplicateEvery === 0;
    response.write(isDoubled ? frame + frame : frame);
    const isCut = faults.cutAfter !== null && sent >= faults.cutAfter;
    if (isCut || response.writableLength > MAX_UNREAD_BYTES) response.end();
  };
}
