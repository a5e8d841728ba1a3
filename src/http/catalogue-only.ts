/** Which operations nothing but price tables decide: their answers may be kept. */
import { isObjectType, TypeInfo, visit, visitWithTypeInfo } from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';

/** Types whose every field is decided by the price tables and its arguments. */
const CATALOGUE_TYPES: ReadonlySet<string> = new Set([
  'GpuResource',
  'Pricing',
  'DataCenterStock',
  '_Service',
]);
const CATALOGUE_ROOTS: ReadonlySet<string> = new Set([
  'gpuResources',
  'gpuResource',
  '_entities',
  '_service',
]);

export type IsCatalogueOnly = (question: {
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
}) => boolean;

export function createCatalogueOnly(schema: GraphQLSchema): IsCatalogueOnly {
  const known = new WeakMap<DocumentNode, boolean>();
  return ({ document, variables }) => {
    let is = known.get(document);
    if (is === undefined) known.set(document, (is = readsCatalogueOnly(schema, document)));
    return is && namesGpusOnly(variables);
  };
}

function readsCatalogueOnly(schema: GraphQLSchema, document: DocumentNode): boolean {
  const typeInfo = new TypeInfo(schema);
  let catalogueOnly = true;
  const enter = {
    Field: {
      enter(node: { name: { value: string } }) {
        const parent = typeInfo.getParentType();
        if (!parent || !isCatalogueField(parent.name, node.name.value)) catalogueOnly = false;
      },
    },
    // Representations written into the document: not worth looking into.
    ObjectValue: {
      enter() {
        // GraphQL takes one of them for a list of one.
        if (/^\[?_Any\b/.test(String(typeInfo.getInputType()))) catalogueOnly = false;
      },
    },
    OperationDefinition: {
      enter(node: { operation: string }) {
        if (node.operation !== 'query') catalogueOnly = false;
      },
    },
  };
  visit(document, visitWithTypeInfo(typeInfo, enter));
  return catalogueOnly;

  function isCatalogueField(parent: string, field: string): boolean {
    if (parent === schema.getQueryType()?.name) {
      return CATALOGUE_ROOTS.has(field) || field.startsWith('__');
    }
    if (CATALOGUE_TYPES.has(parent) || parent.startsWith('__')) return true;
    return field === '__typename' && !isObjectType(schema.getType(parent));
  }
}

/** Entities of other types are decided by more than prices. */
function namesGpusOnly(variables: Readonly<Record<string, unknown>> | undefined): boolean {
  for (const name in variables) {
    const value = variables[name];
    if (Array.isArray(value) ? value.some(isOtherEntity) : isOtherEntity(value)) return false;
  }
  return true;
}

function isOtherEntity(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('__typename' in value)) return false;
  return value.__typename !== 'GpuResource';
}
