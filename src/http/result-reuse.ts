/**
 * Answers an operation that was answered before from the same prices, without executing it.
 *
 * An answer is kept only if nothing but these decided it: the document, its variables, the caller's
 * visibility, and the price tables it read. Tables never change, a refresh makes new ones, so a
 * kept answer holds for as long as each of its tables is the current one. Answers with errors are
 * never kept. To the caller reuse is invisible but for its speed.
 */
import { isObjectType, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';
import type { PriceTable } from '../domain/price.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** Types whose every field is decided by the price tables and its arguments. */
const CATALOGUE_TYPES: ReadonlySet<string> = new Set([
  'GpuResource',
  'Pricing',
  'DataCenterStock',
  '_Service',
]);
const CATALOGUE_ROOTS: ReadonlySet<string> = new Set([
  'gpuResources',
  'gpuResource',
  '_entities',
  '_service',
]);

/** An operation about to run, as far as it decides the answer. */
export interface Question {
  readonly query: string;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly context: Context;
}

interface Answer {
  readonly text: string;
  readonly tables: readonly PriceTable[];
}

/** The place of one question's answer. */
export interface AnswerSlot {
  /** The answer that was kept, if it still holds. */
  find(): string | undefined;
  /** Keeps an answer without errors. */
  keep(text: string): void;
}

export interface ResultReuse {
  /** Undefined: an answer to this cannot be used again. */
  slotFor(question: Question): AnswerSlot | undefined;
}

export function createResultReuse(schema: GraphQLSchema): ResultReuse {
  const answers = new LRUCache<string, Answer>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_ANSWER_BYTES,
    // UTF-16 in memory, both of them.
    sizeCalculation: ({ text }, key) => 2 * (text.length + key.length) + 1_024,
  });
  const eligible = new WeakMap<DocumentNode, boolean>();

  function isEligible({ document, variables }: Question): boolean {
    let is = eligible.get(document);
    if (is === undefined) eligible.set(document, (is = readsCatalogueOnly(schema, document)));
    return is && namesGpusOnly(variables);
  }

  return {
    slotFor(question) {
      const key = isEligible(question) ? keyOf(question) : undefined;
      if (key === undefined) return undefined;
      const { prices } = question.context;
      return {
        find() {
          const answer = answers.get(key);
          return answer && prices.areCurrent(answer.tables) ? answer.text : undefined;
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

function readsCatalogueOnly(schema: GraphQLSchema, document: DocumentNode): boolean {
  const typeInfo = new TypeInfo(schema);
  let catalogueOnly = true;
  const enter = {
    Field: {
      enter(node: { name: { value: string } }) {
        const parent = typeInfo.getParentType();
        if (!parent || !isCatalogueField(parent.name, node.name.value)) catalogueOnly = false;
      },
    },
    // Representations written into the document: not worth looking into.
    ObjectValue: {
      enter() {
        if (typeInfo.getInputType()?.toString().startsWith('_Any')) catalogueOnly = false;
      },
    },
    OperationDefinition: {
      enter(node: { operation: string }) {
        if (node.operation !== 'query') catalogueOnly = false;
      },
    },
  };
  visit(document, visitWithTypeInfo(typeInfo, enter));
  return catalogueOnly;

  function isCatalogueField(parent: string, field: string): boolean {
    if (parent === schema.getQueryType()?.name) {
      return CATALOGUE_ROOTS.has(field) || field.startsWith('__');
    }
    if (CATALOGUE_TYPES.has(parent) || parent.startsWith('__')) return true;
    return field === '__typename' && !isObjectType(schema.getType(parent));
  }
}

/** Entities of other types are decided by more than prices. */
function namesGpusOnly(variables: Readonly<Record<string, unknown>> | undefined): boolean {
  for (const name in variables) {
    const value = variables[name];
    if (Array.isArray(value) && value.some(isOtherEntity)) return false;
  }
  return true;
}

function isOtherEntity(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('__typename' in value)) return false;
  return value.__typename !== 'GpuResource';
}
