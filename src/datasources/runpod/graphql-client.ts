import { GraphQLClient } from 'graphql-request';
import { USER_AGENT } from './rest-client.ts';

/** To RunPod's GraphQL API with a key. What there is of an answer counts, errors beside it. */
export function createGraphqlClient(url: string, apiKey: string): GraphQLClient {
  return new GraphQLClient(url, {
    headers: { authorization: `Bearer ${apiKey}`, 'user-agent': USER_AGENT },
    // One GPU whose price fails must not take the others with it.
    errorPolicy: 'all',
    // A redirect would carry the key to wherever it points.
    fetch: (input, init) => fetch(input, { ...init, redirect: 'error' }),
  });
}
