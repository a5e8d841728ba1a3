/**
 * The rows a trainer can read, agent/PROTOCOL.md §7.5: checked when a file is uploaded, so that a
 * fault is found before a GPU is rented. Mirrors `read_row` of agent/trainer_data.py.
 */

/** Why the trainer would refuse this row, to stand after "row 7"; null: it would not. */
export function faultOfRow(row: unknown): string | null {
  if (!isRecord(row)) return 'is not an object';
  if (isNestedDeeper(row, MAX_DEPTH)) return `is nested more than ${MAX_DEPTH} deep`;
  // In the trainer's order: the first shape that a row begins decides what else it needs.
  if (has(row, 'text')) return faultOfTexts(row, ['text']);
  if (has(row, 'messages')) return faultOfTurns(row.messages, 'messages', 'role', 'content');
  if (has(row, 'conversations')) {
    return faultOfTurns(row.conversations, 'conversations', 'from', 'value');
  }
  if (has(row, 'prompt') || has(row, 'completion')) {
    return faultOfTexts(row, ['prompt', 'completion']);
  }
  if (has(row, 'instruction') || has(row, 'output')) return faultOfInstruction(row);
  return `has none of: ${SHAPES}`;
}

/** What the trainer makes of a row without a fault; all rows of a dataset must come to the same. */
export function formOf(row: unknown): string {
  const has = (name: string) => isRecord(row) && Object.hasOwn(row, name);
  if (has('text')) return '`text`';
  return has('messages') || has('conversations') ? '`messages`' : '`prompt` and `completion`';
}

export const SHAPES =
  'text; messages; conversations; prompt and completion; instruction and output (input optional)';

/** Python's JSON reader gives up at about 1000. */
const MAX_DEPTH = 500;

type Row = Readonly<Record<string, unknown>>;

function faultOfInstruction(row: Row): string | null {
  const { input } = row;
  if (input != null && typeof input !== 'string') return '`input` must be text';
  return faultOfTexts(row, ['instruction', 'output'], input ?? '');
}

function faultOfTexts(row: Row, names: readonly string[], besides = ''): string | null {
  const wrong = names.find((name) => typeof row[name] !== 'string');
  if (wrong !== undefined) return `\`${wrong}\` must be text`;
  return [...names.map((name) => row[name] as string), besides].every(isBlank) ? 'is empty' : null;
}

function faultOfTurns(turns: unknown, name: string, who: string, what: string): string | null {
  if (!Array.isArray(turns) || turns.length === 0) {
    return `\`${name}\` must be a list that is not empty`;
  }
  const wrong = turns.findIndex(
    (turn) => !isRecord(turn) || typeof turn[who] !== 'string' || typeof turn[what] !== 'string',
  );
  return wrong === -1
    ? null
    : `\`${name}\` turn ${wrong + 1} needs \`${who}\` and \`${what}\` as text`;
}

function has(row: Row, name: string): boolean {
  return Object.hasOwn(row, name);
}

function isRecord(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What Python and JavaScript call white space differs by a few characters: any of both. */
function isBlank(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- Python strips these separators
  return /^[\s\x1c-\x1f\x85]*$/.test(text);
}

function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((inner) => isNestedDeeper(inner, levels - 1));
}
