/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** Which part of the cloud a pod runs in. */
export type CloudTier =
  /** Machines of other people: cheaper, and not to be trusted with secrets. */
  | 'COMMUNITY'
  /** Data centres of the platform's partners. */
  | 'SECURE';

/** Narrows a list of GPUs. Conditions are joined by AND; an omitted or null one does not narrow. */
export type GpuResourceFilter = {
  /** Only GPUs offered in this cloud. Prices and stock in this filter are of this cloud (default SECURE). */
  readonly cloud?: CloudTier | null | undefined;
  /** Only GPUs with stock (LOW or better) in this data centre. */
  readonly dataCenterId?: string | number | null | undefined;
  /** Only GPUs of which one machine can hold this many (1 to 64). Prices and stock in this filter are of such a pod (default 1). */
  readonly gpuCount?: number | null | undefined;
  /** Only GPUs whose pod costs at most this on demand, in USD per hour of the whole pod. */
  readonly maxUsdPerHour?: number | null | undefined;
  /** At least this much memory per GPU, in GB. */
  readonly minMemoryGb?: number | null | undefined;
  /** Only GPUs with at least this stock. */
  readonly minStock?: StockLevel | null | undefined;
  /** Only GPUs whose name or id contains this text, in any case. */
  readonly nameContains?: string | null | undefined;
};

/** How likely it is that a pod asked for now can be placed. `NONE` is lowest, `HIGH` highest. */
export type StockLevel =
  /** Many machines are free. */
  | 'HIGH'
  /** Hardly any machine is free: a request may fail. */
  | 'LOW'
  /** Some machines are free. */
  | 'MEDIUM'
  /** No machine is free. */
  | 'NONE'
  /** The platform did not say. Filters treat it as lower than `LOW`. */
  | 'UNKNOWN';

/** Why a stream ended. */
export type StreamEndReason =
  /** The job has ended, and everything was sent. */
  | 'JOB_ENDED'
  /** The reader was too slow for too long: resume when it can read. */
  | 'LAGGED'
  /** The server goes down: resume at once, perhaps at another. */
  | 'SHUTTING_DOWN'
  /** The caller may not read this any more. */
  | 'UNAUTHORIZED';

/** Where a job stands. It ends in exactly one of COMPLETED, FAILED and CANCELLED. */
export type TrainingJobStatus =
  /** Cancelled by a caller. */
  | 'CANCELLED'
  /** Training is over; results are being fetched and verified. */
  | 'COLLECTING'
  /** Every result is stored and verified. */
  | 'COMPLETED'
  /** It ended without a result; `failure` says why. */
  | 'FAILED'
  /** Stopped at a checkpoint, without a pod and without cost, for as long as nobody resumes or cancels it. */
  | 'PAUSED'
  /** Accepted; no pod is rented yet. */
  | 'PENDING'
  /** The pod is up: it gets specification and dataset and installs what it needs. */
  | 'PREPARING'
  /** A pod is being rented or boots. It may cost already. */
  | 'PROVISIONING'
  /** It trains. */
  | 'RUNNING';

export type JobLogSubscriptionVariables = Exact<{
  jobId: string | number;
  after?: string | null | undefined;
}>;


export type JobLogSubscription = { readonly trainingJobLogs:
    | { readonly __typename: 'LogBatch', readonly count: number, readonly text: string, readonly previousCursor: string | null, readonly endCursor: string | null }
    | { readonly __typename: 'StreamEnd', readonly reason: StreamEndReason, readonly retry: boolean, readonly cursor: string | null }
   };

export type JobLogPageQueryVariables = Exact<{
  jobId: string | number;
  after?: string | null | undefined;
}>;


export type JobLogPageQuery = { readonly trainingJob: { readonly logs: { readonly endCursor: string | null, readonly hasNextPage: boolean, readonly lines: ReadonlyArray<{ readonly text: string }> } | null } | null };

export type JobStateSubscriptionVariables = Exact<{
  jobId: string | number;
}>;


export type JobStateSubscription = { readonly trainingJobChanged: { readonly id: string, readonly name: string, readonly status: TrainingJobStatus, readonly progress: { readonly step: number, readonly totalSteps: number | null } | null, readonly experiment: { readonly id: string, readonly name: string } | null } };

export type JobQueryVariables = Exact<{
  jobId: string | number;
}>;


export type JobQuery = { readonly trainingJob: { readonly id: string, readonly name: string, readonly status: TrainingJobStatus, readonly progress: { readonly step: number, readonly totalSteps: number | null } | null, readonly experiment: { readonly id: string, readonly name: string } | null } | null };

export type JobCardFragment = { readonly id: string, readonly name: string, readonly status: TrainingJobStatus, readonly progress: { readonly step: number, readonly totalSteps: number | null } | null, readonly experiment: { readonly id: string, readonly name: string } | null };

export type PriceTableQueryVariables = Exact<{
  filter?: GpuResourceFilter | null | undefined;
}>;


export type PriceTableQuery = { readonly gpuResources: ReadonlyArray<{ readonly id: string, readonly name: string, readonly memoryGb: number, readonly pricing: { readonly onDemandUsdPerHour: number | null, readonly spotUsdPerHour: number | null, readonly stock: StockLevel, readonly observedAt: string, readonly isStale: boolean } | null }> };

export type PriceCellFragment = { readonly onDemandUsdPerHour: number | null, readonly spotUsdPerHour: number | null, readonly stock: StockLevel, readonly observedAt: string, readonly isStale: boolean };

export const JobCardFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobCard"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"TrainingJob"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}}]}},{"kind":"Field","name":{"kind":"Name","value":"experiment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]} as unknown as DocumentNode<JobCardFragment, unknown>;
export const PriceCellFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PriceCell"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Pricing"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"onDemandUsdPerHour"}},{"kind":"Field","name":{"kind":"Name","value":"spotUsdPerHour"}},{"kind":"Field","name":{"kind":"Name","value":"stock"}},{"kind":"Field","name":{"kind":"Name","value":"observedAt"}},{"kind":"Field","name":{"kind":"Name","value":"isStale"}}]}}]} as unknown as DocumentNode<PriceCellFragment, unknown>;
export const JobLogDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"JobLog"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"LogCursor"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"trainingJobLogs"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"jobId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"__typename"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"LogBatch"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"count"}},{"kind":"Field","name":{"kind":"Name","value":"text"}},{"kind":"Field","name":{"kind":"Name","value":"previousCursor"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"StreamEnd"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"reason"}},{"kind":"Field","name":{"kind":"Name","value":"retry"}},{"kind":"Field","name":{"kind":"Name","value":"cursor"}}]}}]}}]}}]} as unknown as DocumentNode<JobLogSubscription, JobLogSubscriptionVariables>;
export const JobLogPageDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"JobLogPage"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}},{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"LogCursor"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"trainingJob"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"logs"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"1000"}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"lines"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"text"}}]}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}},{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}}]}}]}}]}}]} as unknown as DocumentNode<JobLogPageQuery, JobLogPageQueryVariables>;
export const JobStateDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"JobState"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"trainingJobChanged"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"jobId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"JobCard"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobCard"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"TrainingJob"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}}]}},{"kind":"Field","name":{"kind":"Name","value":"experiment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]} as unknown as DocumentNode<JobStateSubscription, JobStateSubscriptionVariables>;
export const JobDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"Job"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"trainingJob"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"id"},"value":{"kind":"Variable","name":{"kind":"Name","value":"jobId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"JobCard"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"JobCard"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"TrainingJob"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"progress"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"step"}},{"kind":"Field","name":{"kind":"Name","value":"totalSteps"}}]}},{"kind":"Field","name":{"kind":"Name","value":"experiment"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}}]}}]}}]} as unknown as DocumentNode<JobQuery, JobQueryVariables>;
export const PriceTableDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"PriceTable"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"filter"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"GpuResourceFilter"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"gpuResources"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"filter"},"value":{"kind":"Variable","name":{"kind":"Name","value":"filter"}}},{"kind":"Argument","name":{"kind":"Name","value":"orderBy"},"value":{"kind":"EnumValue","value":"PRICE"}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"name"}},{"kind":"Field","name":{"kind":"Name","value":"memoryGb"}},{"kind":"Field","name":{"kind":"Name","value":"pricing"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"PriceCell"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"PriceCell"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Pricing"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"onDemandUsdPerHour"}},{"kind":"Field","name":{"kind":"Name","value":"spotUsdPerHour"}},{"kind":"Field","name":{"kind":"Name","value":"stock"}},{"kind":"Field","name":{"kind":"Name","value":"observedAt"}},{"kind":"Field","name":{"kind":"Name","value":"isStale"}}]}}]} as unknown as DocumentNode<PriceTableQuery, PriceTableQueryVariables>;