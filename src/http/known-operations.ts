/**
 * The short way for queries that came before: a document that Apollo Server has parsed, validated
 * and let through is executed without going through its pipeline again, which costs more than a
 * small query itself. Anything out of the ordinary, and every answer with an error, takes the long
 * way; the answers are the same.
 */
import type { IncomingMessage } from 'node:http';
import type { HTTPGraphQLResponse } from '@apollo/server';
import { HeaderMap } from '@apollo/server';
import { execute, getOperationAST, OperationTypeNode } from 'graphql';
import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Context } from '../context.ts';
import { plannedOffers } from '../resolvers/offer-plan.ts';
import { createDocumentCache } from './document-cache.ts';
import { checkRepresentations } from './operation-limits.ts';
import type { CacheHint } from './cache-hints.ts';
import type { IsCatalogueOnly } from './catalogue-only.ts';
import type { Question, ResultReuse } from './result-reuse.ts';

/** Different `Accept` headers that are remembered. */
const MAX_ACCEPTS = 100;

export interface KnownOperations {
  /** Told of a document that passed every check. */
  learn(query: string, document: DocumentNode): void;
  /** Told of an answer the long way, to answer in the same form: that depends on `Accept` alone. */
  learnForm(request: IncomingMessage, answer: HTTPGraphQLResponse): void;
  /** Undefined: this request must go the long way. */
  answer(
    request: IncomingMessage,
    body: unknown,
    context: Context,
  ): Promise<HTTPGraphQLResponse | undefined>;
}

export interface KnownOperationsDeps {
  readonly schema: GraphQLSchema;
  readonly isCatalogueOnly: IsCatalogueOnly;
  readonly cacheHint: CacheHint;
  readonly reuse: ResultReuse | undefined;
}

interface Ready {
  readonly text: string;
  readonly cacheControl: string;
}

export function createKnownOperations(deps: KnownOperationsDeps): KnownOperations {
  const { schema, isCatalogueOnly, cacheHint, reuse } = deps;
  const documents = createDocumentCache();
  const forms = new LRUCache<string, HeaderMap>({ max: MAX_ACCEPTS });

  /** What is asked, if it is a plain query that is known; JSON bodies are CSRF-safe already. */
  function toQuestion(body: unknown, context: Context): Question | undefined {
    if (!isPlain(body)) return undefined;
    const document = documents.get(body.query);
    const operation = document && getOperationAST(document, body.operationName);
    if (!document || operation?.operation !== OperationTypeNode.QUERY) return undefined;
    const variables = body.variables ?? {};
    try {
      checkRepresentations(document, operation, variables);
    } catch {
      return undefined;
    }
    return { query: body.query, document, operation, variables, context };
  }

  async function run(question: Question): Promise<Ready | undefined> {
    const { document, operation, variables, context } = question;
    const isKept = isCatalogueOnly(question);
    const slot = isKept ? reuse?.slotFor(question) : undefined;
    const kept = slot?.find();
    if (kept) return { text: kept.text, cacheControl: cacheHint(context, kept.tables) };
    context.prices.expect(() => plannedOffers(schema, document, operation, variables));
    const result: ExecutionResult = await execute({
      schema,
      document,
      operationName: operation.name?.value ?? null,
      variableValues: variables,
      contextValue: context,
    });
    if (result.errors !== undefined) return undefined;
    const text = JSON.stringify(result);
    slot?.keep(text);
    const tables = isKept ? context.prices.tablesRead() : undefined;
    return { text, cacheControl: cacheHint(context, tables) };
  }

  return {
    learn(query, document) {
      documents.set(query, document);
    },
    learnForm(request, answer) {
      if ((answer.status ?? 200) !== 200) return;
      const headers = new HeaderMap(answer.headers);
      headers.delete('content-length');
      headers.delete('cache-control');
      forms.set(request.headers.accept ?? '', headers);
    },
    async answer(request, body, context) {
      const headers = forms.get(request.headers.accept ?? '');
      if (request.method !== 'POST' || headers === undefined) return undefined;
      const question = toQuestion(body, context);
      const ready = question && (await run(question));
      if (ready === undefined) return undefined;
      const own = new HeaderMap(headers).set('cache-control', ready.cacheControl);
      return { status: 200, headers: own, body: { kind: 'complete', string: ready.text } };
    },
  };
}

interface PlainBody {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Readonly<Record<string, unknown>> | null;
}

/** Well-formed and without extensions; what is not is for Apollo Server to answer. */
function isPlain(body: unknown): body is PlainBody {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return false;
  const { query, operationName, variables, extensions } = body as Readonly<Record<string, unknown>>;
  return (
    typeof query === 'string' &&
    (operationName == null || typeof operationName === 'string') &&
    (variables == null || (typeof variables === 'object' && !Array.isArray(variables))) &&
    extensions == null
  );
}
