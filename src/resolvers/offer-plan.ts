/**
 * Finds the offers that an operation will ask prices for, before it runs: only so can prices at
 * every depth, under any alias, be read in one go. A guess that is wrong costs a call and nothing
 * else: resolvers read their own arguments.
 */
import {
  isObjectType,
  Kind,
  separateOperations,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from 'graphql';
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode, ValueNode } from 'graphql';
import { DEFAULT_OFFER, offerKey } from '../domain/gpu.ts';
import type { Offer } from '../domain/gpu.ts';
import { isGpuCount } from './gpu-arguments.ts';

/** Raw, as the client sent them. */
export type Variables = Readonly<Record<string, unknown>>;

interface OfferSource {
  readonly gpuCount: ValueNode | undefined;
  readonly cloud: ValueNode | undefined;
}

/** Fields of GpuResource that read an offer; `cudaVersions` always reads the default one. */
const OFFER_FIELDS: ReadonlySet<string> = new Set(['pricing', 'dataCenters', 'cudaVersions']);

/** Root fields that read the offer in one of their arguments. */
const ROOT_OFFERS: Readonly<Record<string, string>> = {
  gpuResources: 'filter',
  trainingPlan: 'placement',
};

const plans = new WeakMap<OperationDefinitionNode, readonly OfferSource[]>();

export function plannedOffers(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): readonly Offer[] {
  let sources = plans.get(operation);
  if (sources === undefined) {
    // The operation and the fragments it reaches, without what stands beside it in the document.
    const alone = separateOperations(document)[operation.name?.value ?? ''] ?? document;
    plans.set(operation, (sources = findSources(schema, alone)));
  }
  const valueOf = (node: ValueNode | undefined): unknown => evaluate(node, operation, variables);
  const offers = sources.map((source) => toOffer(valueOf(source.gpuCount), valueOf(source.cloud)));
  const known = offers.filter((offer) => offer !== undefined);
  return [...new Map(known.map((offer) => [offerKey(offer), offer])).values()];
}

function findSources(schema: GraphQLSchema, document: DocumentNode): readonly OfferSource[] {
  const typeInfo = new TypeInfo(schema);
  const sources: OfferSource[] = [];
  const enter = {
    Field: {
      enter(node: { name: { value: string }; arguments?: readonly Argument[] }) {
        const parent = typeInfo.getParentType();
        if (!isObjectType(parent)) return;
        const source = sourceOf(parent.name, node.name.value, node.arguments ?? []);
        if (source !== undefined) sources.push(source);
      },
    },
  };
  visit(document, visitWithTypeInfo(typeInfo, enter));
  return sources;
}

interface Argument {
  readonly name: { readonly value: string };
  readonly value: ValueNode;
}

function sourceOf(
  parent: string,
  field: string,
  args: readonly Argument[],
): OfferSource | undefined {
  const argument = (name: string) => args.find((arg) => arg.name.value === name)?.value;
  if (parent === 'GpuResource' && OFFER_FIELDS.has(field)) {
    return { gpuCount: argument('gpuCount'), cloud: argument('cloud') };
  }
  const holder = parent === 'Query' ? ROOT_OFFERS[field] : undefined;
  if (holder !== undefined) {
    const held = argument(holder);
    return { gpuCount: member(held, 'gpuCount'), cloud: member(held, 'cloud') };
  }
  return undefined;
}

/** A member of an object literal, or of the object that a variable holds. */
function member(node: ValueNode | undefined, name: string): ValueNode | undefined {
  if (node?.kind === Kind.OBJECT) return node.fields.find((f) => f.name.value === name)?.value;
  if (node?.kind !== Kind.VARIABLE) return undefined;
  return { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: `${node.name.value}.${name}` } };
}

function evaluate(
  node: ValueNode | undefined,
  operation: OperationDefinitionNode,
  variables: Variables,
): unknown {
  switch (node?.kind) {
    case Kind.INT:
      return Number(node.value);
    case Kind.ENUM:
      return node.value;
    case Kind.VARIABLE:
      return variableValue(node.name.value, operation, variables);
    default:
      return undefined;
  }
}

function variableValue(
  path: string,
  operation: OperationDefinitionNode,
  variables: Variables,
): unknown {
  const [name = '', field] = path.split('.');
  const sent = variables[name];
  if (sent !== undefined) return field === undefined ? sent : propertyOf(sent, field);
  const definition = operation.variableDefinitions?.find((d) => d.variable.name.value === name);
  const fallback = definition?.defaultValue;
  return evaluate(field === undefined ? fallback : member(fallback, field), operation, {});
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}

function toOffer(
  gpuCount: unknown = DEFAULT_OFFER.gpuCount,
  cloud: unknown = DEFAULT_OFFER.cloud,
): Offer | undefined {
  const count = gpuCount ?? DEFAULT_OFFER.gpuCount;
  const tier = cloud ?? DEFAULT_OFFER.cloud;
  if (!isGpuCount(count) || (tier !== 'SECURE' && tier !== 'COMMUNITY')) return undefined;
  return { gpuCount: count, cloud: tier };
}
