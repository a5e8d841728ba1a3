/** GraphQL's parameters of an HTTP request, where Apollo Server does not read them for us. */
import type { IncomingMessage } from 'node:http';
import type { OperationRequest } from './operations.ts';

/** @returns undefined if they are malformed: Apollo Server has words for what is wrong with them */
export function readParameters(
  request: IncomingMessage,
  body: unknown,
): OperationRequest | undefined {
  const sent = request.method === 'GET' ? parametersOf(request.url ?? '') : body;
  return isRequest(sent) ? sent : undefined;
}

function parametersOf(url: string): unknown {
  const start = url.indexOf('?');
  const parameters = new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
  const variables = parameters.get('variables');
  try {
    return {
      query: parameters.get('query'),
      operationName: parameters.get('operationName'),
      variables: variables === null ? null : (JSON.parse(variables) as unknown),
    };
  } catch {
    return undefined;
  }
}

function isRequest(sent: unknown): sent is OperationRequest {
  if (typeof sent !== 'object' || sent === null || Array.isArray(sent)) return false;
  const { query, operationName, variables } = sent as Readonly<Record<string, unknown>>;
  return (
    typeof query === 'string' &&
    (operationName == null || typeof operationName === 'string') &&
    (variables == null || (typeof variables === 'object' && !Array.isArray(variables)))
  );
}

/**
 * Whether a client takes server-sent events: not at all, besides JSON, or as the only form of an
 * answer. Gateways name them in several ways: alone (Hive Gateway, Cosmo), behind multipart (Hive
 * Router), behind JSON (urql).
 */
export function wishForEvents(accept = ''): 'none' | 'also' | 'only' {
  const types = accept
    .toLowerCase()
    .split(',')
    .filter((range) => !/;\s*q=0(\.0*)?\s*(;|$)/.test(range))
    .map((range) => range.split(';', 1)[0]?.trim() ?? '');
  if (!types.includes('text/event-stream')) return 'none';
  return types.some((type) => JSON_TYPES.has(type)) ? 'also' : 'only';
}

const JSON_TYPES: ReadonlySet<string> = new Set([
  'application/json',
  'application/graphql-response+json',
  'application/*',
  '*/*',
]);
