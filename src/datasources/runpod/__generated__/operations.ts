/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
export type CloudTypeEnum =
  | 'ALL'
  | 'COMMUNITY'
  | 'SECURE';

export type EnvironmentVariableInput = {
  readonly key: string;
  readonly value: string;
};

export type PodRentInterruptableInput = {
  readonly allowedCudaVersions?: ReadonlyArray<string | null | undefined> | null | undefined;
  /** USD per hour of one GPU. */
  readonly bidPerGpu?: number | null | undefined;
  readonly cloudType?: CloudTypeEnum | null | undefined;
  readonly containerDiskInGb?: number | null | undefined;
  readonly dataCenterId?: string | null | undefined;
  readonly dockerArgs?: string | null | undefined;
  readonly env?: ReadonlyArray<EnvironmentVariableInput | null | undefined> | null | undefined;
  readonly gpuCount?: number | null | undefined;
  readonly gpuTypeId?: string | null | undefined;
  readonly imageName?: string | null | undefined;
  readonly minCudaVersion?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly networkVolumeId?: string | null | undefined;
  /** Comma-separated, as in `8888/http,22/tcp`. */
  readonly ports?: string | null | undefined;
  readonly startJupyter?: boolean | null | undefined;
  readonly startSsh?: boolean | null | undefined;
  readonly volumeInGb?: number | null | undefined;
  readonly volumeMountPath?: string | null | undefined;
};

export type LowestPriceFragment = { readonly minimumBidPrice: number | null, readonly uninterruptablePrice: number | null, readonly stockStatus: string | null };

export type AccountQueryVariables = Exact<{ [key: string]: never; }>;


export type AccountQuery = { readonly myself: { readonly clientBalance: number | null, readonly currentSpendPerHr: number | null } | null };

export type RentSpotPodMutationVariables = Exact<{
  input: PodRentInterruptableInput;
}>;


export type RentSpotPodMutation = { readonly podRentInterruptable: { readonly id: string, readonly name: string, readonly gpuCount: number, readonly costPerHr: number, readonly machine: { readonly dataCenterId: string | null } | null } | null };

export const LowestPriceFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"LowestPrice"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"LowestPrice"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"minimumBidPrice"}},{"kind":"Field","name":{"kind":"Name","value":"uninterruptablePrice"}},{"kind":"Field","name":{"kind":"Name","value":"stockStatus"}}]}}]} as unknown as DocumentNode<LowestPriceFragment, unknown>;
export const AccountDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Account"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"myself"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"clientBalance"}},{"kind":"Field","name":{"kind":"Name","value":"currentSpendPerHr"}}]}}]}}]} as unknown as DocumentNode<AccountQuery, AccountQueryVariables>;
export const RentSpotPodDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"RentSpotPod"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"PodRentInterruptableInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"podRentInterruptable"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"gpuCount"}},{"kind":"Field","name":{"kind":"Name","value":"costPerHr"}},{"kind":"Field","name":{"kind":"Name","value":"machine"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"dataCenterId"}}]}}]}}]}}]} as unknown as DocumentNode<RentSpotPodMutation, RentSpotPodMutationVariables>;