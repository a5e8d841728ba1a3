/** GraphQL over HTTP: Apollo Server around our schema, with our limits and our errors. */
import type { IncomingMessage } from 'node:http';
import { ApolloServer, HeaderMap } from '@apollo/server';
import type {
  ApolloServerPlugin,
  DocumentStore,
  GraphQLRequestListener,
  HTTPGraphQLResponse,
} from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { GraphQLError, OperationTypeNode } from 'graphql';
import type { GraphQLSchema, ValidationRule } from 'graphql';
import type { Logger } from 'pino';
import type { Context } from '../context.ts';
import { isBug, maskError } from '../errors.ts';
import type { ReportBug } from '../errors.ts';
import { plannedOffers } from '../resolvers/offer-plan.ts';
import { createCacheHint, NO_STORE } from './cache-hints.ts';
import type { CacheHint } from './cache-hints.ts';
import { createCatalogueOnly } from './catalogue-only.ts';
import type { IsCatalogueOnly } from './catalogue-only.ts';
import { createDocumentCache } from './document-cache.ts';
import { checkRepresentations, parseOptions } from './operation-limits.ts';
import { createKnownOperations } from './known-operations.ts';
import type { KnownOperations } from './known-operations.ts';
import { createResultReuse } from './result-reuse.ts';

export interface GraphqlDeps {
  schema: GraphQLSchema;
  limitsRule: ValidationRule;
  isProduction: boolean;
  reusesResults: boolean;
  /** How long an answer of prices may be kept by others, from when they were observed. */
  priceFreshMs: number;
  log: Logger;
  report: ReportBug;
  onError: (code: string) => void;
}

export interface GraphqlHttp {
  start(): Promise<void>;
  /** Answers one request whose body was read; never rejects for what a client can cause. */
  execute(request: IncomingMessage, body: unknown, context: Context): Promise<HTTPGraphQLResponse>;
  stop(): Promise<void>;
}

export function createGraphqlHttp(deps: GraphqlDeps): GraphqlHttp {
  const isCatalogueOnly = createCatalogueOnly(deps.schema);
  const cacheHint = createCacheHint(deps.priceFreshMs);
  const reuse = deps.reusesResults ? createResultReuse() : undefined;
  const known = createKnownOperations({ schema: deps.schema, isCatalogueOnly, cacheHint, reuse });
  const apollo = new ApolloServer<Context>({
    schema: deps.schema,
    introspection: !deps.isProduction,
    csrfPrevention: true,
    parseOptions,
    documentStore: asyncStore(createDocumentCache()),
    logger: deps.log,
    validationRules: [deps.limitsRule],
    stopOnTerminationSignals: false,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: deps.isProduction,
    formatError: (wire, thrown) => {
      const masked = maskError(wire, unwrapResolverError(thrown), deps.report);
      deps.onError(String(masked.extensions?.code));
      return masked;
    },
    stringifyResult: JSON.stringify,
    plugins: [
      // Each of these costs time on every field or field set; the first alone 1.6 times.
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
      operationPlugin(deps, known),
      cacheHintPlugin(isCatalogueOnly, cacheHint),
    ],
  });

  return {
    start: () => apollo.start(),
    async execute(request, body, context) {
      const short = await known.answer(request, body, context);
      if (short !== undefined) return short;
      const answer = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: request.method ?? 'GET',
          headers: toHeaderMap(request),
          search: searchOf(request.url ?? ''),
          body,
        },
        context: () => Promise.resolve(context),
      });
      if (!answer.headers.has('cache-control')) answer.headers.set('cache-control', NO_STORE);
      if (request.method === 'POST') known.learnForm(request, answer);
      return answer;
    },
    stop: () => apollo.stop(),
  };
}

/** Refuses subscriptions, which would be answered "Cannot return null", and plans price lookups. */
function operationPlugin(
  { schema, report }: GraphqlDeps,
  known: KnownOperations,
): ApolloServerPlugin<Context> {
  const listener: GraphQLRequestListener<Context> = {
    // eslint-disable-next-line @typescript-eslint/require-await -- the hook's type asks for a promise
    async didResolveOperation({ document, operation, request, contextValue }) {
      // Absent: operationName names none, which Apollo Server says itself.
      if (operation === undefined) return;
      if (operation.operation === OperationTypeNode.SUBSCRIPTION) {
        throw new GraphQLError(
          'A subscription has more than one answer: send it over WebSocket (protocol graphql-transport-ws), or as here with Accept: text/event-stream.',
          { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } },
        );
      }
      const variables = request.variables ?? {};
      checkRepresentations(document, operation, variables);
      if (request.query !== undefined) known.learn(request.query, document);
      contextValue.prices.expect(() => plannedOffers(schema, document, operation, variables));
    },
    // Here the request is known, which `formatError` is not told.
    // eslint-disable-next-line @typescript-eslint/require-await -- as above
    async didEncounterErrors({ errors, contextValue }) {
      for (const error of errors) {
        const thrown = unwrapResolverError(error);
        // Errors without a path are faults of the request, which get their codes later.
        if (error.path && isBug(error, thrown)) report(thrown, contextValue.requestId);
      }
    },
  };
  return { requestDidStart: () => Promise.resolve(listener) };
}

/** Says of answers without errors how long they may be kept. */
function cacheHintPlugin(
  isCatalogueOnly: IsCatalogueOnly,
  cacheHint: CacheHint,
): ApolloServerPlugin<Context> {
  const listener: GraphQLRequestListener<Context> = {
    // eslint-disable-next-line @typescript-eslint/require-await -- the hook's type asks for a promise
    async willSendResponse({ document, request: { variables = {} }, response, contextValue }) {
      const { body, http } = response;
      const isWhole = body.kind === 'single' && body.singleResult.errors === undefined;
      if (!isWhole || !document || !isCatalogueOnly({ document, variables })) return;
      http.headers.set('cache-control', cacheHint(contextValue, contextValue.prices.tablesRead()));
    },
  };
  return { requestDidStart: () => Promise.resolve(listener) };
}

/** Apollo Server's interface to stores that may be elsewhere. */
function asyncStore(cache: ReturnType<typeof createDocumentCache>): DocumentStore {
  return {
    get: (key) => Promise.resolve(cache.get(key)),
    set: (key, document) => {
      cache.set(key, document);
      return Promise.resolve();
    },
    delete: (key) => Promise.resolve(cache.delete(key)),
  };
}

function toHeaderMap(request: IncomingMessage): HeaderMap {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return headers;
}

/** By hand: `new URL('//?…')` throws. */
function searchOf(url: string): string {
  const start = url.indexOf('?');
  return start === -1 ? '' : url.slice(start);
}
