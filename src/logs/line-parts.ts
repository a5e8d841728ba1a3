/** The agent's records as the platform passes them on: doubled, with holes, in parts. */
import type { AgentLine } from '../datasources/pod-agent.ts';
import type { AgentRecord } from '../datasources/agent-schemas.ts';

/** The text of a line whose parts are still to come; a hole drops it. */
interface Unfinished {
  readonly n: number;
  readonly texts: string[];
  readonly of: number;
}

/** Puts lines together again; what cannot be is left out, as a hole for whoever numbers. */
export function createLineParts(bootId: string): (record: AgentRecord) => AgentLine | null {
  let unfinished: Unfinished | null = null;

  function join({ n, text }: AgentLine, [part, of]: readonly [number, number]): string | null {
    if (part === 1) unfinished = { n, texts: [], of };
    const begun = unfinished;
    if (begun?.n !== n || begun.of !== of) return null;
    // The same part again, as after a resumption.
    if (part <= begun.texts.length) return null;
    if (part !== begun.texts.length + 1) {
      unfinished = null;
      return null;
    }
    begun.texts.push(text);
    if (part < of) return null;
    unfinished = null;
    return begun.texts.join('');
  }

  return ({ bootId: boot, part, ...line }) => {
    if (boot !== bootId) return null;
    if (part === null) return line;
    const text = join(line, part);
    return text === null ? null : { ...line, text };
  };
}
