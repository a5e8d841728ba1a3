/** Ranges of a pod's result files. Mirrors agent/PROTOCOL.md §6.2. */
import { queryOf, unreachable, untrusted } from './agent-http.ts';
import type { AgentAnswer, AgentHttp } from './agent-http.ts';
import type { ResultRange } from './pod-agent.ts';

const RANGE_DEADLINE_MS = 60_000;

interface WantedRange {
  readonly path: string;
  readonly range: ResultRange;
  /** Undefined: of the current boot. */
  readonly bootId: string | undefined;
}

/** As promised by `PodAgent.readResult`. */
export async function* readResult(
  http: AgentHttp,
  { path, range, bootId }: WantedRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const answer = await http.open({
    method: 'GET',
    path: resultPath(path) + queryOf({ boot: bootId }),
    headers: { range: `bytes=${range.from}-${range.to}` },
    deadlineMs: RANGE_DEADLINE_MS,
    signal,
  });
  try {
    checkRange(answer, range);
    const wanted = range.to - range.from + 1;
    let seen = 0;
    for await (const chunk of answer.chunks(wanted)) {
      seen += chunk.byteLength;
      yield chunk;
    }
    if (seen < wanted) throw unreachable('A transfer from the pod was cut');
  } finally {
    answer.end();
  }
}

/** A path that URLs would resolve to another address is no result's. */
function resultPath(path: string): string {
  const segments = path.split('/');
  if (!path.isWellFormed() || segments.some((segment) => ['', '.', '..'].includes(segment))) {
    throw untrusted('The pod names a result by a path that leaves its folder');
  }
  return `/v1/results/${segments.map(encodeURIComponent).join('/')}`;
}

function checkRange(answer: AgentAnswer, { from, to }: ResultRange): void {
  const { status } = answer;
  const mediaType = answer.header('content-type');
  if (status !== 206 && mediaType !== 'application/octet-stream') {
    throw unreachable('Not our agent answered for a result');
  }
  const given = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.header('content-range') ?? '');
  const [first, last, size] = (given ?? []).slice(1).map(Number);
  if (status !== 206 || first !== from || last !== to || size === undefined || size <= to) {
    throw untrusted('The pod sent another range than the one asked for');
  }
}
