/**
 * Answers an operation that was answered before from the same prices, without executing it.
 *
 * An answer may be kept only if nothing but these decided it: the document, its variables, the
 * caller's visibility, and the price tables it read (`catalogue-only.ts`). Tables never change, a
 * refresh makes new ones, so a kept answer holds for as long as each of its tables is the current
 * one. Answers with errors are never kept. To the caller reuse is invisible but for its speed.
 */
import type { DocumentNode, OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';
import type { PriceTable } from '../domain/price.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** An operation about to run, as far as it decides the answer. */
export interface Question {
  readonly query: string;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: Context;
}

export interface Answer {
  readonly text: string;
  readonly tables: readonly PriceTable[];
}

/** The place of one question's answer. */
export interface AnswerSlot {
  /** The answer that was kept, if it still holds. */
  find(): Answer | undefined;
  /** Keeps an answer without errors. */
  keep(text: string): void;
}

export interface ResultReuse {
  /** For a question that the catalogue alone answers. Undefined: this one cannot be named. */
  slotFor(question: Question): AnswerSlot | undefined;
}

export function createResultReuse(): ResultReuse {
  const answers = new LRUCache<string, Answer>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_ANSWER_BYTES,
    // UTF-16 in memory, both of them.
    sizeCalculation: ({ text }, key) => 2 * (text.length + key.length) + 1_024,
  });

  return {
    slotFor(question) {
      const key = keyOf(question);
      if (key === undefined) return undefined;
      const { prices } = question.context;
      return {
        find() {
          const answer = answers.get(key);
          return answer && prices.areCurrent(answer.tables) ? answer : undefined;
        },
        keep(text) {
          const tables = prices.tablesRead();
          if (tables !== undefined) answers.set(key, { text, tables });
        },
      };
    },
  };
}

/** Undefined for variables nested too deep to be written down. */
function keyOf({ query, operation, variables, context }: Question): string | undefined {
  // Only those the operation declares: what else is sent decides nothing.
  const declared = operation.variableDefinitions?.map(({ variable }) => variable.name.value) ?? [];
  try {
    const values = JSON.stringify(declared.map((name) => variables[name] ?? null));
    // A null and an omitted variable differ where there is a default.
    const omitted = declared.filter((name) => variables[name] === undefined).join();
    return [context.visibility, operation.name?.value ?? '', values, omitted, query].join('\n');
  } catch {
    return undefined;
  }
}
