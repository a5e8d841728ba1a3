/**
 * The columns of a Parquet file that a trainer looks at, out of its schema: a list of elements in the
 * order of a walk through the tree, each with how many children follow it.
 *
 * @see https://github.com/apache/parquet-format/blob/master/LogicalTypes.md
 */
import { MAX_SCHEMA_DEPTH } from './limits.ts';
import { ParquetFault, damaged } from './parquet-fault.ts';

export interface SchemaElement {
  readonly name: string;
  /** Physical; null: a group. */
  readonly type: number | null;
  readonly repetition: 'required' | 'optional' | 'repeated';
  readonly childCount: number;
  readonly meaning: 'text' | 'list' | 'null' | 'other';
}

interface Node extends SchemaElement {
  readonly children: readonly Node[];
  /** Of a leaf: which column chunk of each row group it is. */
  readonly chunkIndex: number;
}

/** A column chunk of every row group, with text in it. */
export interface Leaf {
  readonly chunkIndex: number;
  /** The column it belongs to, for messages. */
  readonly column: string;
  /** The levels of a value that is there. */
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

export type Column =
  | { readonly kind: 'text'; readonly name: string; readonly leaf: Leaf }
  | {
      readonly kind: 'turns';
      readonly name: string;
      /** From this definition level on there is a list, an entry in it, and a turn in that entry. */
      readonly levels: { readonly list: number; readonly entry: number; readonly turn: number };
      readonly fields: readonly { readonly name: string; readonly leaf: Leaf }[];
    }
  /** Of a type that no row could be read from. `is` says which. */
  | { readonly kind: 'wrong'; readonly name: string; readonly is: string };

export interface Schema {
  /** Those that have a meaning; columns of nothing but null are as absent. */
  readonly columns: readonly Column[];
  readonly names: readonly string[];
  readonly chunkCount: number;
}

const TURN_FIELDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['messages', ['role', 'content']],
  ['conversations', ['from', 'value']],
]);
const TEXTS = ['text', 'prompt', 'completion', 'instruction', 'input', 'output'];
const TYPES = ['BOOLEAN', 'INT32', 'INT64', 'INT96', 'FLOAT', 'DOUBLE', 'binary', 'fixed binary'];
export const BYTE_ARRAY = 6;

/** @throws {ParquetFault} it is no tree, or nested too deeply */
export function readSchema(elements: readonly SchemaElement[]): Schema {
  let [at, chunkCount] = [0, 0];

  function readNode(depth: number): Node {
    const element = elements[at];
    if (element === undefined) throw damaged('its schema ends too early');
    if (depth > MAX_SCHEMA_DEPTH) {
      throw new ParquetFault(
        `The Parquet file has columns nested more than ${MAX_SCHEMA_DEPTH} deep.`,
      );
    }
    at += 1;
    if (element.type !== null) {
      chunkCount += 1;
      return { ...element, children: [], chunkIndex: chunkCount - 1 };
    }
    const children: Node[] = [];
    while (children.length < element.childCount) children.push(readNode(depth + 1));
    return { ...element, children, chunkIndex: -1 };
  }

  const { children } = readNode(0);
  const columns = children.filter(({ meaning }) => meaning !== 'null').flatMap(columnOf);
  return { columns, names: children.map(({ name }) => name), chunkCount };
}

function columnOf(node: Node): readonly Column[] {
  const { name } = node;
  const fields = TURN_FIELDS.get(name);
  if (fields !== undefined) return [turnsOf(node, fields)];
  if (!TEXTS.includes(name)) return [];
  if (!isText(node) || node.repetition === 'repeated') {
    return [{ kind: 'wrong', name, is: typeOf(node) }];
  }
  return [{ kind: 'text', name, leaf: leafOf(node, name, levelOf(node), 0) }];
}

/** A list in the form that is written today, or in one of those it had before. */
function turnsOf(node: Node, names: readonly string[]): Column {
  const { name } = node;
  const wrong: Column = { kind: 'wrong', name, is: typeOf(node) };
  const isBare = node.repetition === 'repeated' && node.meaning !== 'list';
  const [repeated, ...others] = isBare ? [node] : node.children;
  if (!isBare && node.meaning !== 'list') return wrong;
  if (repeated?.repetition !== 'repeated' || others.length > 0) return wrong;
  const turn = turnIn(repeated, node);
  const list = isBare ? 0 : levelOf(node);
  const entry = list + 1;
  const level = turn === repeated ? entry : entry + levelOf(turn);
  const fields: { name: string; leaf: Leaf }[] = [];
  for (const field of names) {
    const child = turn.children.find((it) => it.name === field);
    if (child === undefined || !isText(child) || child.repetition === 'repeated') {
      const what = child === undefined ? `no \`${field}\`` : `\`${field}\` of ${typeOf(child)}`;
      return { kind: 'wrong', name, is: `a list of entries with ${what}` };
    }
    fields.push({ name: field, leaf: leafOf(child, name, level + levelOf(child), 1) });
  }
  return { kind: 'turns', name, levels: { list, entry, turn: level }, fields };
}

/** LogicalTypes.md, "Backward-compatibility rules" of lists. */
function turnIn(repeated: Node, list: Node): Node {
  const [only, ...others] = repeated.children;
  const isTurn = repeated.name === 'array' || repeated.name === `${list.name}_tuple`;
  if (repeated === list || only === undefined || others.length > 0 || isTurn) return repeated;
  return only.type === null ? only : repeated;
}

function leafOf({ chunkIndex }: Node, column: string, level: number, repetition: number): Leaf {
  return { chunkIndex, column, maxDefinition: level, maxRepetition: repetition };
}

function levelOf({ repetition }: Node): number {
  return repetition === 'required' ? 0 : 1;
}

function isText({ type, meaning }: Node): boolean {
  return type === BYTE_ARRAY && meaning === 'text';
}

function typeOf({ type, meaning }: Node): string {
  if (type !== null) return meaning === 'text' ? 'text' : (TYPES[type] ?? `type ${type}`);
  return meaning === 'list' ? 'a list' : 'a group of columns';
}
