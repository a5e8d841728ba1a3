/**
 * Answers an operation that was answered before from the same prices, without executing it.
 *
 * An answer is kept only if nothing but these decided it: the document, its variables, the caller's
 * visibility, and the price tables it read. Tables never change, a refresh makes new ones, so a
 * kept answer holds for as long as each of its tables is the current one. Answers with errors are
 * never kept. To the caller reuse is invisible but for its speed.
 */
import { isObjectType, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { DocumentNode, FormattedExecutionResult, GraphQLSchema } from 'graphql';
import type { ApolloServerPlugin, GraphQLRequestContext } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
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

type Data = NonNullable<FormattedExecutionResult['data']>;

interface Answer {
  /** Stands for the data on its way through Apollo Server; the data itself is not kept. */
  readonly mark: Data;
  readonly text: string;
  readonly tables: readonly PriceTable[];
}

export interface ResultReuse {
  readonly plugin: ApolloServerPlugin<Context>;
  readonly stringifyResult: (result: FormattedExecutionResult) => string;
}

export function createResultReuse(schema: GraphQLSchema): ResultReuse {
  const answers = new LRUCache<string, Answer>({
    maxSize: MAX_BYTES,
    maxEntrySize: MAX_ANSWER_BYTES,
    // UTF-16 in memory, both of them.
    sizeCalculation: ({ text }, key) => 2 * (text.length + key.length) + 1_024,
  });
  const texts = new WeakMap<Data, string>();
  const keepers = new WeakMap<Data, (text: string) => void>();
  const eligible = new WeakMap<DocumentNode, boolean>();

  function isEligible(document: DocumentNode): boolean {
    let is = eligible.get(document);
    if (is === undefined) eligible.set(document, (is = readsCatalogueOnly(schema, document)));
    return is;
  }

  const plugin: ApolloServerPlugin<Context> = {
    // eslint-disable-next-line @typescript-eslint/require-await -- the hook's type asks for a promise
    async requestDidStart() {
      let key: string | undefined;
      return {
        // eslint-disable-next-line @typescript-eslint/require-await -- as above
        async responseForOperation(request) {
          if (!isEligible(request.document) || !namesGpusOnly(request.request.variables)) {
            return null;
          }
          key = keyOf(request);
          const answer = key === undefined ? undefined : answers.get(key);
          if (answer === undefined) return null;
          if (!request.contextValue.prices.areCurrent(answer.tables)) return null;
          const singleResult = { data: answer.mark };
          return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult } };
        },
        // eslint-disable-next-line @typescript-eslint/require-await -- as above
        async willSendResponse({ response: { body }, contextValue }) {
          if (key === undefined || body.kind !== 'single' || body.singleResult.errors) return;
          const { data } = body.singleResult;
          const tables = contextValue.prices.tablesRead();
          if (!data || tables === undefined || texts.has(data)) return;
          const kept = key;
          keepers.set(data, (text) => {
            const mark: Data = {};
            texts.set(mark, text);
            answers.set(kept, { mark, text, tables });
          });
        },
      };
    },
  };

  function stringifyResult(result: FormattedExecutionResult): string {
    const data = result.errors || result.extensions ? undefined : result.data;
    const known = data ? texts.get(data) : undefined;
    if (known !== undefined) return known;
    const text = JSON.stringify(result);
    if (data) keepers.get(data)?.(text);
    return text;
  }

  return { plugin, stringifyResult };
}

/** Undefined for variables nested too deep to be written down. */
function keyOf(request: GraphQLRequestContext<Context>): string | undefined {
  const { queryHash, operationName, contextValue } = request;
  const sent: Readonly<Record<string, unknown>> = request.request.variables ?? {};
  // Only those the operation declares: what else is sent decides nothing.
  const names = request.operation?.variableDefinitions?.map((each) => each.variable.name.value);
  let variables: string;
  try {
    variables = JSON.stringify(names?.map((name) => [name, sent[name]]) ?? []);
  } catch {
    return undefined;
  }
  return [contextValue.visibility, queryHash ?? '', operationName ?? '', variables].join('\n');
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
