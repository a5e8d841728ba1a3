/** RunPod's GraphQL API, the part that `upstream.graphql` describes. */
import { readFileSync } from 'node:fs';
import {
  buildSchema,
  execute,
  getOperationAST,
  GraphQLError,
  Kind,
  parse,
  validate,
} from 'graphql';
import type { DocumentNode, ExecutionResult } from 'graphql';
import { z } from 'zod';
import { jsonAnswer } from '../http/answer.ts';
import type { Answer } from '../http/answer.ts';
import { Problem } from '../http/problem.ts';
import { parseJson } from '../http/validation.ts';
import type { Caller } from '../access.ts';

const SDL = new URL('../../datasources/runpod/upstream.graphql', import.meta.url);

const requestSchema = z.object({
  query: z.string(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  operationName: z.string().nullish(),
});
export type GraphqlRequest = z.infer<typeof requestSchema>;

export interface GraphqlApi {
  /** Every root field there is, for faults by name. */
  readonly rootFields: ReadonlySet<string>;
  /** Root fields of the operation. */
  fieldsOf(request: GraphqlRequest): readonly string[];
  answer(request: GraphqlRequest, caller: Caller): Promise<Answer>;
}

/** @throws {Problem} 400 */
export function readGraphqlRequest(body: string): GraphqlRequest {
  const request = requestSchema.safeParse(parseJson(body));
  if (!request.success) throw new Problem(400, 'POST body must have a query');
  return request.data;
}

export function createGraphqlApi(rootFor: (caller: Caller) => object): GraphqlApi {
  const schema = buildSchema(readFileSync(SDL, 'utf8'));

  const roots = [schema.getQueryType(), schema.getMutationType()];
  return {
    rootFields: new Set(roots.flatMap((type) => Object.keys(type?.getFields() ?? {}))),
    fieldsOf({ query, operationName }) {
      const document = parseOrErrors(query);
      if (Array.isArray(document)) return [];
      const operation = getOperationAST(document, operationName);
      return (operation?.selectionSet.selections ?? []).flatMap((selection) =>
        selection.kind === Kind.FIELD ? [selection.name.value] : [],
      );
    },

    async answer({ query, variables, operationName }, caller) {
      const document = parseOrErrors(query);
      if (Array.isArray(document)) return faulty(document, 'GRAPHQL_PARSE_FAILED');
      const faults = validate(schema, document);
      if (faults.length > 0) return faulty(faults, 'GRAPHQL_VALIDATION_FAILED');
      const result = await execute({
        schema,
        document: document,
        rootValue: rootFor(caller),
        variableValues: variables ?? {},
        operationName: operationName ?? null,
      });
      return jsonAnswer(200, view(result));
    },
  };
}

function parseOrErrors(query: string): DocumentNode | GraphQLError[] {
  try {
    return parse(query, { maxTokens: 10_000 });
  } catch (error) {
    if (error instanceof GraphQLError) return [error];
    throw error;
  }
}

function faulty(errors: readonly GraphQLError[], code: string): Answer {
  return jsonAnswer(400, {
    errors: errors.map(({ message, locations }) => ({
      message,
      ...(locations && { locations }),
      extensions: { code },
    })),
  });
}

/** Business errors come as HTTP 200 with `errors[]`, as from the original. */
function view(result: ExecutionResult): object {
  const { errors, data } = result;
  if (errors === undefined) return { data };
  return {
    errors: errors.map(({ message, path, extensions }) => ({
      message,
      path,
      ...(Object.keys(extensions).length > 0 && { extensions }),
    })),
    data,
  };
}
