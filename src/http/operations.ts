/** What a client asks outside Apollo Server, over whatever transport: the same checks as there. */
import {
  getOperationAST,
  GraphQLError,
  NoSchemaIntrospectionCustomRule,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import type {
  DocumentNode,
  ExecutionArgs,
  GraphQLSchema,
  OperationDefinitionNode,
  ValidationRule,
} from 'graphql';
import type { Context } from '../context.ts';
import { plannedOffers } from '../resolvers/offer-plan.ts';
import { createDocumentCache } from './document-cache.ts';
import { checkRepresentations, MAX_QUERY_CHARACTERS, parseOptions } from './operation-limits.ts';
import type { Reader } from './reader.ts';

/** GraphQL's own parameters of a request. */
export interface OperationRequest {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** One operation, ready to be executed. */
export interface Operation extends ExecutionArgs {
  readonly definition: OperationDefinitionNode;
  contextValue: Context;
  /** A context that has read nothing yet. */
  readonly freshContext: () => Context;
  readonly reader: Reader;
}

export interface OperationsDeps {
  readonly schema: GraphQLSchema;
  readonly limitsRule: ValidationRule;
  readonly isProduction: boolean;
}

/** @returns the operation, or what is wrong with it, as over HTTP */
export type PrepareOperation = (
  request: OperationRequest,
  of: Pick<Operation, 'freshContext' | 'reader'>,
) => Operation | readonly GraphQLError[];

export function createOperations(deps: OperationsDeps): PrepareOperation {
  const documents = createDocumentCache();
  const rules = [
    ...specifiedRules,
    deps.limitsRule,
    ...(deps.isProduction ? [NoSchemaIntrospectionCustomRule] : []),
  ];

  function readDocument(query: string): DocumentNode | readonly GraphQLError[] {
    const known = documents.get(query);
    if (known !== undefined) return known;
    if (query.length > MAX_QUERY_CHARACTERS) {
      const message = `The query is over ${MAX_QUERY_CHARACTERS} characters.`;
      return [coded(new GraphQLError(message), 'BAD_REQUEST')];
    }
    let document: DocumentNode;
    try {
      document = parse(query, parseOptions);
    } catch (error) {
      // Anything else is the parser's stack, overflown by brackets.
      const fault = error instanceof GraphQLError ? error : new GraphQLError('Nested too deep.');
      return [coded(fault, 'GRAPHQL_PARSE_FAILED')];
    }
    const faults = validate(deps.schema, document, rules, { hideSuggestions: deps.isProduction });
    if (faults.length > 0) return faults.map((fault) => coded(fault, 'GRAPHQL_VALIDATION_FAILED'));
    documents.set(query, document);
    return document;
  }

  return (request, of) => {
    const document = readDocument(request.query);
    if (!('kind' in document)) return document;
    const definition = getOperationAST(document, request.operationName);
    if (!definition) {
      const message = 'operationName must name one of the operations of the document.';
      return [coded(new GraphQLError(message), 'OPERATION_RESOLUTION_FAILURE')];
    }
    const contextValue = of.freshContext();
    const variables = request.variables ?? {};
    try {
      checkRepresentations(document, definition, variables);
    } catch (error) {
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
    contextValue.prices.expect(() => plannedOffers(deps.schema, document, definition, variables));
    return {
      schema: deps.schema,
      document,
      definition,
      operationName: request.operationName,
      variableValues: variables,
      contextValue,
      ...of,
    };
  };
}

/** The same error under a code. */
export function coded(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    ...(error.nodes && { nodes: error.nodes }),
    ...(error.source && { source: error.source }),
    ...(error.positions && { positions: error.positions }),
    extensions: { code },
  });
}
