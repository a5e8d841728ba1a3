/**
 * The query for spot prices: one alias per offer, so that one request prices them all. Only the
 * number of aliases varies; what is asked for under each comes from operations.graphql, and the
 * offers travel as variables.
 */
import { Kind, OperationTypeNode } from 'graphql';
import type { FieldNode, NameNode, OperationDefinitionNode, VariableDefinitionNode } from 'graphql';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { Offer } from '../../domain/gpu.ts';
import { LowestPriceFragmentDoc } from './__generated__/operations.ts';
import type { LowestPriceFragment } from './__generated__/operations.ts';

interface SpotGpu {
  readonly id: string | null;
  readonly [alias: `offer${number}`]: LowestPriceFragment | null;
}

export interface SpotQuery {
  readonly gpuTypes: readonly (SpotGpu | null)[] | null;
}

/** `GpuLowestPriceInput` per alias. */
type SpotVariables = Readonly<Record<string, { gpuCount: number; secureCloud: boolean }>>;

export function aliasOf(index: number): `offer${number}` {
  return `offer${index}`;
}

export function spotVariables(offers: readonly Offer[]): SpotVariables {
  return Object.fromEntries(
    offers.map((offer, index) => [
      aliasOf(index),
      { gpuCount: offer.gpuCount, secureCloud: offer.cloud === 'SECURE' },
    ]),
  );
}

export function spotDocument(offerCount: number): TypedDocumentNode<SpotQuery, SpotVariables> {
  const aliases = Array.from({ length: offerCount }, (_, index) => aliasOf(index));
  const operation: OperationDefinitionNode = {
    kind: Kind.OPERATION_DEFINITION,
    operation: OperationTypeNode.QUERY,
    name: name('SpotPrices'),
    variableDefinitions: aliases.map(variableDefinition),
    selectionSet: {
      kind: Kind.SELECTION_SET,
      selections: [
        field('gpuTypes', { selections: [field('id'), ...aliases.map(lowestPriceField)] }),
      ],
    },
  };
  return { kind: Kind.DOCUMENT, definitions: [operation, ...LowestPriceFragmentDoc.definitions] };
}

function lowestPriceField(alias: string): FieldNode {
  return {
    ...field('lowestPrice', {
      selections: [{ kind: Kind.FRAGMENT_SPREAD, name: name('LowestPrice') }],
    }),
    alias: name(alias),
    arguments: [
      {
        kind: Kind.ARGUMENT,
        name: name('input'),
        value: { kind: Kind.VARIABLE, name: name(alias) },
      },
    ],
  };
}

function variableDefinition(variable: string): VariableDefinitionNode {
  return {
    kind: Kind.VARIABLE_DEFINITION,
    variable: { kind: Kind.VARIABLE, name: name(variable) },
    type: {
      kind: Kind.NON_NULL_TYPE,
      type: { kind: Kind.NAMED_TYPE, name: name('GpuLowestPriceInput') },
    },
  };
}

function field(
  fieldName: string,
  selectionSet?: Pick<NonNullable<FieldNode['selectionSet']>, 'selections'>,
): FieldNode {
  return {
    kind: Kind.FIELD,
    name: name(fieldName),
    ...(selectionSet && { selectionSet: { kind: Kind.SELECTION_SET, ...selectionSet } }),
  };
}

function name(value: string): NameNode {
  return { kind: Kind.NAME, value };
}
