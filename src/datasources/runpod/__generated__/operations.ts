/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type LowestPriceFragment = { readonly minimumBidPrice: number | null, readonly uninterruptablePrice: number | null, readonly stockStatus: string | null };

export type AccountQueryVariables = Exact<{ [key: string]: never; }>;


export type AccountQuery = { readonly myself: { readonly clientBalance: number | null, readonly currentSpendPerHr: number | null } | null };

export const LowestPriceFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LowestPrice"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"LowestPrice"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"minimumBidPrice"}},{"kind":"Field","name":{"kind":"Name","value":"uninterruptablePrice"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}}]}}]} as unknown as DocumentNode<LowestPriceFragment, unknown>;
export const AccountDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Account"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"myself"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"clientBalance"}},{"kind":"Field","name":{"kind":"Name","value":"currentSpendPerHr"}}]}}]}}]} as unknown as DocumentNode<AccountQuery, AccountQueryVariables>;