/** The agent's lines as Server-Sent Events. PROTOCOL.md §5.5. */
import { createParser } from 'eventsource-parser';
import type { EventSourceMessage } from 'eventsource-parser';
import { queryOf, unreachable, untrusted } from './agent-http.ts';
import type { AgentHttp } from './agent-http.ts';
import { logEndSchema, toStreamedLine } from './agent-schemas.ts';
import type { AgentLine, AgentStreamEvent } from './pod-agent.ts';
import { createSilence } from './silence.ts';

/** The agent sends a heartbeat every 10 s. */
const SILENCE_MS = 30_000;
/** The agent ends a stream after 85 s, the proxy after 100. */
const DEADLINE_MS = 120_000;
/** A line's 64 KiB, each of them escaped, and its envelope. */
const MAX_FRAME_CHARACTERS = 512 * 1024;

interface StreamPlace {
  readonly bootId: string;
  readonly after: number;
  readonly signal: AbortSignal;
}

export async function* readAgentStream(
  http: AgentHttp,
  { bootId, after, signal }: StreamPlace,
  { silenceMs = SILENCE_MS }: { readonly silenceMs?: number },
): AsyncGenerator<AgentStreamEvent, void, undefined> {
  const silence = createSilence(silenceMs, () =>
    unreachable("The pod's stream of lines fell silent"),
  );
  try {
    const answer = await http.open({
      method: 'GET',
      path: `/v1/logs${queryOf({ after, boot: bootId })}`,
      headers: { accept: 'text/event-stream' },
      deadlineMs: DEADLINE_MS,
      signal: AbortSignal.any([signal, silence.signal]),
    });
    try {
      const type = answer.header('content-type') ?? '';
      if (!type.startsWith('text/event-stream')) {
        throw unreachable("Not our agent answered the pod's stream of lines");
      }
      const frames = createFrames(after);
      for await (const chunk of answer.chunks(Number.MAX_SAFE_INTEGER)) {
        silence.heard();
        const { lines, end } = frames.read(chunk);
        yield { kind: 'lines', lines };
        if (end !== null) {
          yield end;
          return;
        }
        silence.listen();
      }
      throw unreachable("The pod's stream of lines was cut");
    } finally {
      answer.end();
    }
  } finally {
    silence.end();
  }
}

interface Frames {
  readonly lines: readonly AgentLine[];
  readonly end: AgentStreamEvent | null;
}

function createFrames(after: number) {
  const decoder = new TextDecoder();
  let next = after + 1;
  let lines: AgentLine[] = [];
  let end: AgentStreamEvent | null = null;
  const parser = createParser({
    maxBufferSize: MAX_FRAME_CHARACTERS,
    onEvent: (event) => {
      if (end !== null) return;
      if (event.event === undefined) {
        lines.push(toStreamedLine(parse(event), next));
        next += 1;
      } else end = toEnd(event, next - 1);
    },
    onError: ({ type }) => {
      if (type === 'max-buffer-size-exceeded') {
        throw untrusted("The pod's stream has a line without end");
      }
    },
  });
  return {
    read(chunk: Uint8Array): Frames {
      lines = [];
      parser.feed(decoder.decode(chunk, { stream: true }));
      return { lines, end };
    },
  };
}

/** Null for an event of another version, which says nothing to us. */
function toEnd(event: EventSourceMessage, last: number): AgentStreamEvent | null {
  if (event.event === 'reopen') return { kind: 'reopen' };
  if (event.event !== 'end') return null;
  const { success, data } = logEndSchema.safeParse(parse(event));
  if (!success || data.lastLine !== last) throw untrusted("The pod's stream ends elsewhere");
  return { kind: 'end', lastLine: data.lastLine };
}

function parse({ data }: EventSourceMessage): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    throw untrusted("The pod's stream is not JSON");
  }
}
