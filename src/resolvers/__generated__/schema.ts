import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { CatalogueEntry } from '../../domain/gpu.ts';
import type { Price } from '../../domain/price.ts';
import type { PlatformStatus } from '../../datasources/platform-status.ts';
import type { Context } from '../../context.ts';
export type Maybe<T> = T | null;
export type InputMaybe<T> = Maybe<T>;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  /** An instant in UTC, as RFC 3339 text with milliseconds: `2026-11-24T09:30:00.000Z`. */
  DateTime: { input: number; output: number; }
  _FieldSet: { input: unknown; output: unknown; }
};

/** Which part of the cloud a pod runs in. */
export type CloudTier =
  /** Machines of other people: cheaper, and not to be trusted with secrets. */
  | 'COMMUNITY'
  /** Data centres of the platform's partners. */
  | 'SECURE';

/** Stock of one GPU type in one data centre. */
export type DataCenterStock = {
  readonly __typename?: 'DataCenterStock';
  /** The platform's id of the data centre: `EU-RO-1`. */
  readonly dataCenterId: Scalars['ID']['output'];
  /** Name for people; null: the platform gives none. */
  readonly name: Maybe<Scalars['String']['output']>;
  /** Stock for the count and cloud that were asked for. */
  readonly stock: StockLevel;
};

/** The GPU cloud behind this service, and whether it answers. */
export type GpuPlatform = {
  readonly __typename?: 'GpuPlatform';
  /** Credit left in the account, in USD; null: unknown, or its source is gone. */
  readonly balanceUsd: Maybe<Scalars['Float']['output']>;
  /** Whether the platform answered and accepted the key the last time it was asked. */
  readonly connected: Scalars['Boolean']['output'];
  /** True: the built-in emulator answers and nothing costs money. */
  readonly emulated: Scalars['Boolean']['output'];
  /** Why `connected` is false, for people; null when it is true. */
  readonly error: Maybe<Scalars['String']['output']>;
  /** Its name, in lower case: `runpod`. */
  readonly name: Scalars['String']['output'];
  /** What everything that runs in the account costs now, in USD per hour; null: unknown. */
  readonly spendUsdPerHour: Maybe<Scalars['Float']['output']>;
  /** Whether spot pods and their prices are to be had now. */
  readonly supportsSpot: Scalars['Boolean']['output'];
  /** When the key was last accepted; null: not since the start of this server. */
  readonly verifiedAt: Maybe<Scalars['DateTime']['output']>;
};

/** A type of GPU that pods can be rented with. */
export type GpuResource = {
  readonly __typename?: 'GpuResource';
  /** The clouds this GPU is offered in; empty: listed, but offered nowhere. */
  readonly clouds: ReadonlyArray<CloudTier>;
  /**
   * CUDA versions of the machines with this GPU in the secure cloud, `major.minor`, oldest first.
   * Null: no machine reports one, as with AMD.
   */
  readonly cudaVersions: Maybe<ReadonlyArray<Scalars['String']['output']>>;
  /**
   * Stock per data centre for a pod of `gpuCount` GPUs in `cloud`, by data centre id.
   * Null: the platform names none, because nothing is free or it does not say.
   * `gpuCount` is 1 to 64.
   */
  readonly dataCenters: Maybe<ReadonlyArray<DataCenterStock>>;
  /** The platform's own id, used wherever a GPU is named: `NVIDIA GeForce RTX 4090`. */
  readonly id: Scalars['ID']['output'];
  /** `NVIDIA` or `AMD`; null: the platform did not say. */
  readonly manufacturer: Maybe<Scalars['String']['output']>;
  /**
   * GPUs in the largest machine of that cloud: a ceiling for `gpuCount`, not a stock level.
   * Null: not offered in that cloud, or the platform did not say.
   */
  readonly maxGpuCount: Maybe<Scalars['Int']['output']>;
  /** Memory of one GPU, in GB as the vendor counts them. */
  readonly memoryGb: Scalars['Int']['output'];
  /** Short name for people: `RTX 4090`. */
  readonly name: Scalars['String']['output'];
  /**
   * Price and stock of a pod of `gpuCount` GPUs (1 to 64) in `cloud`, at most about half a minute old.
   * Null without an error: not offered so. Null with an error `PLATFORM_…`: the platform did not
   * answer and no recent enough price is known; the rest of the answer stands.
   */
  readonly pricing: Maybe<Pricing>;
};


/** A type of GPU that pods can be rented with. */
export type GpuResourceDataCentersArgs = {
  cloud?: CloudTier;
  gpuCount?: Scalars['Int']['input'];
};


/** A type of GPU that pods can be rented with. */
export type GpuResourceMaxGpuCountArgs = {
  cloud?: CloudTier;
};


/** A type of GPU that pods can be rented with. */
export type GpuResourcePricingArgs = {
  cloud?: CloudTier;
  gpuCount?: Scalars['Int']['input'];
};

/** Narrows a list of GPUs. Conditions are joined by AND; an omitted or null one does not narrow. */
export type GpuResourceFilter = {
  /** Only GPUs offered in this cloud. Prices and stock in this filter are of this cloud (default SECURE). */
  readonly cloud?: InputMaybe<CloudTier>;
  /** Only GPUs with stock (LOW or better) in this data centre. */
  readonly dataCenterId?: InputMaybe<Scalars['ID']['input']>;
  /** Only GPUs of which one machine can hold this many (1 to 64). Prices and stock in this filter are of such a pod (default 1). */
  readonly gpuCount?: InputMaybe<Scalars['Int']['input']>;
  /** Only GPUs whose pod costs at most this on demand, in USD per hour of the whole pod. */
  readonly maxUsdPerHour?: InputMaybe<Scalars['Float']['input']>;
  /** At least this much memory per GPU, in GB. */
  readonly minMemoryGb?: InputMaybe<Scalars['Int']['input']>;
  /** Only GPUs with at least this stock. */
  readonly minStock?: InputMaybe<StockLevel>;
  /** Only GPUs whose name or id contains this text, in any case. */
  readonly nameContains?: InputMaybe<Scalars['String']['input']>;
};

/** Order of a list of GPUs. Ties are broken by id, so the order is always the same. */
export type GpuResourceOrder =
  /** Most memory first. */
  | 'MEMORY'
  /** By name, A to Z. */
  | 'NAME'
  /** Cheapest pod on demand first, for the filter's count and cloud; GPUs without such a price last. */
  | 'PRICE';

/** What a pod of one GPU type costs now. Every price is for the whole pod, not per GPU. */
export type Pricing = {
  readonly __typename?: 'Pricing';
  /** Usage is billed in steps of this many seconds. */
  readonly billingIncrementSeconds: Scalars['Int']['output'];
  /** Cloud the pod runs in. */
  readonly cloud: CloudTier;
  /** Currency of every price: always `USD`. */
  readonly currency: Scalars['String']['output'];
  /** GPUs in the pod. */
  readonly gpuCount: Scalars['Int']['output'];
  /** The GPU that is priced. */
  readonly gpuResource: GpuResource;
  /** True: the platform did not answer the last time it was asked; this is the last known price. */
  readonly isStale: Scalars['Boolean']['output'];
  /** The least that is billed for a pod, in seconds. */
  readonly minimumChargeSeconds: Scalars['Int']['output'];
  /** When the platform said so. */
  readonly observedAt: Scalars['DateTime']['output'];
  /** USD per hour of the whole pod, not to be interrupted; null: not offered on demand. */
  readonly onDemandUsdPerHour: Maybe<Scalars['Float']['output']>;
  /** Whether a spot pod of this kind can be asked for now. */
  readonly spotAvailable: Scalars['Boolean']['output'];
  /**
   * USD per hour of the whole pod as a spot pod, the lowest bid that is accepted now.
   * Null: no spot pods of this kind, or the source of spot prices does not answer.
   */
  readonly spotUsdPerHour: Maybe<Scalars['Float']['output']>;
  /** Overall stock for this count and cloud. */
  readonly stock: StockLevel;
};

/** What can be asked. */
export type Query = {
  readonly __typename?: 'Query';
  /** The GPU cloud behind this service, as it answered at most half a minute ago. */
  readonly gpuPlatform: GpuPlatform;
  /** One GPU by the platform's id; null: the platform lists no such GPU. */
  readonly gpuResource: Maybe<GpuResource>;
  /** The GPUs the platform lists. */
  readonly gpuResources: ReadonlyArray<GpuResource>;
};


/** What can be asked. */
export type QueryGpuResourceArgs = {
  id: Scalars['ID']['input'];
};


/** What can be asked. */
export type QueryGpuResourcesArgs = {
  filter?: InputMaybe<GpuResourceFilter>;
  orderBy?: GpuResourceOrder;
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



export type ResolverTypeWrapper<T> = Promise<T> | T;

export type ReferenceResolver<TResult, TReference, TContext> = (
      reference: TReference,
      context: TContext,
      info: GraphQLResolveInfo
    ) => Promise<TResult> | TResult;

      type ScalarCheck<T, S> = S extends true ? T : NullableCheck<T, S>;
      type NullableCheck<T, S> = Maybe<T> extends T ? Maybe<ListCheck<NonNullable<T>, S>> : ListCheck<T, S>;
      type ListCheck<T, S> = T extends (infer U)[] ? NullableCheck<U, S>[] : GraphQLRecursivePick<T, S>;
      export type GraphQLRecursivePick<T, S> = { [K in keyof T & keyof S]: ScalarCheck<T[K], S[K]> };
    

export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

/** Mapping of federation types */
export type FederationTypes = {
  GpuResource: GpuResource;
};

/** Mapping of federation reference types */
export type FederationReferenceTypes = {
  GpuResource:
    ( { __typename: 'GpuResource' }
    & GraphQLRecursivePick<FederationTypes['GpuResource'], {"id":true}> );
};



/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  CloudTier: CloudTier;
  DataCenterStock: ResolverTypeWrapper<DataCenterStock>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  GpuPlatform: ResolverTypeWrapper<PlatformStatus>;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  GpuResource: ResolverTypeWrapper<CatalogueEntry>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  GpuResourceFilter: GpuResourceFilter;
  GpuResourceOrder: GpuResourceOrder;
  Pricing: ResolverTypeWrapper<Price>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  StockLevel: StockLevel;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  DataCenterStock: DataCenterStock;
  ID: Scalars['ID']['output'];
  String: Scalars['String']['output'];
  DateTime: Scalars['DateTime']['output'];
  GpuPlatform: PlatformStatus;
  Float: Scalars['Float']['output'];
  Boolean: Scalars['Boolean']['output'];
  GpuResource: CatalogueEntry;
  Int: Scalars['Int']['output'];
  GpuResourceFilter: GpuResourceFilter;
  Pricing: Price;
  Query: Record<PropertyKey, never>;
};

export type DataCenterStockResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DataCenterStock'] = ResolversParentTypes['DataCenterStock']> = {
  dataCenterId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  name?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  stock?: Resolver<ResolversTypes['StockLevel'], ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type GpuPlatformResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GpuPlatform'] = ResolversParentTypes['GpuPlatform']> = {
  balanceUsd?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  connected?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  emulated?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  error?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  spendUsdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  supportsSpot?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  verifiedAt?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type GpuResourceResolvers<ContextType = Context, ParentType extends ResolversParentTypes['GpuResource'] = ResolversParentTypes['GpuResource'], FederationReferenceType extends FederationReferenceTypes['GpuResource'] = FederationReferenceTypes['GpuResource']> = {
  __resolveReference?: ReferenceResolver<Maybe<ResolversTypes['GpuResource']> | FederationReferenceType, FederationReferenceType, ContextType>;
  clouds?: Resolver<ReadonlyArray<ResolversTypes['CloudTier']>, ParentType, ContextType>;
  cudaVersions?: Resolver<Maybe<ReadonlyArray<ResolversTypes['String']>>, ParentType, ContextType>;
  dataCenters?: Resolver<Maybe<ReadonlyArray<ResolversTypes['DataCenterStock']>>, ParentType, ContextType, RequireFields<GpuResourceDataCentersArgs, 'cloud' | 'gpuCount'>>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  manufacturer?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  maxGpuCount?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType, RequireFields<GpuResourceMaxGpuCountArgs, 'cloud'>>;
  memoryGb?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  pricing?: Resolver<Maybe<ResolversTypes['Pricing']>, ParentType, ContextType, RequireFields<GpuResourcePricingArgs, 'cloud' | 'gpuCount'>>;
};

export type PricingResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Pricing'] = ResolversParentTypes['Pricing']> = {
  billingIncrementSeconds?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  cloud?: Resolver<ResolversTypes['CloudTier'], ParentType, ContextType>;
  currency?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  gpuCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  gpuResource?: Resolver<ResolversTypes['GpuResource'], ParentType, ContextType>;
  isStale?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  minimumChargeSeconds?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  observedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  onDemandUsdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  spotAvailable?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  spotUsdPerHour?: Resolver<Maybe<ResolversTypes['Float']>, ParentType, ContextType>;
  stock?: Resolver<ResolversTypes['StockLevel'], ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  gpuPlatform?: Resolver<ResolversTypes['GpuPlatform'], ParentType, ContextType>;
  gpuResource?: Resolver<Maybe<ResolversTypes['GpuResource']>, ParentType, ContextType, RequireFields<QueryGpuResourceArgs, 'id'>>;
  gpuResources?: Resolver<ReadonlyArray<ResolversTypes['GpuResource']>, ParentType, ContextType, RequireFields<QueryGpuResourcesArgs, 'orderBy'>>;
};

export type Resolvers<ContextType = Context> = {
  DataCenterStock?: DataCenterStockResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  GpuPlatform?: GpuPlatformResolvers<ContextType>;
  GpuResource?: GpuResourceResolvers<ContextType>;
  Pricing?: PricingResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
};

