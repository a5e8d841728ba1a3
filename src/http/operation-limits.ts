/**
 * Bounds on what one operation may ask, the same on HTTP and WebSocket. Fragments are counted where
 * they are spread, so that a few lines cannot ask for millions of fields.
 */
import { GraphQLError, Kind } from 'graphql';
import type {
  DocumentNode,
  FragmentDefinitionNode,
  OperationDefinitionNode,
  ParseOptions,
  SelectionSetNode,
  ValidationContext,
  ValidationRule,
} from 'graphql';

export interface OperationLimits {
  /** Nesting of fields; introspection has a schema of its own and is not counted. */
  readonly maxDepth: number;
  readonly maxFields: number;
}

/** Validation compares fields of one name in pairs: this bounds its time as well. */
// eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor comes with graphql 17
export const parseOptions: ParseOptions = { maxTokens: 4_000 };

/** Longest text of an operation: parsed documents are kept, comments and all. */
export const MAX_QUERY_CHARACTERS = 100_000;

/** Entities one operation may ask for, and fields over all of them. */
const MAX_REPRESENTATIONS = 2_000;
const MAX_ENTITY_FIELDS = 100_000;

interface Size {
  readonly depth: number;
  readonly fields: number;
  /** How often lists without pages lie within each other, along the worst path. */
  readonly lists: number;
}

/**
 * Lists whose length nobody chooses, and that lead back to themselves: each nesting multiplies the
 * answer by their length.
 */
const UNPAGED: ReadonlySet<string> = new Set(['artifacts', 'attempts']);
const MAX_UNPAGED = 1;

const NOTHING: Size = { depth: 0, fields: 0, lists: 0 };

export function createLimitsRule(limits: OperationLimits): ValidationRule {
  return (context: ValidationContext) => ({
    OperationDefinition(node) {
      const { depth, fields, lists } = measureWith((name) => context.getFragment(name))(
        node.selectionSet,
      );
      if (depth > limits.maxDepth) {
        const message = `The operation nests ${depth} fields deep; at most ${limits.maxDepth} are allowed.`;
        context.reportError(new GraphQLError(message, { nodes: [node] }));
      }
      if (lists > MAX_UNPAGED) {
        const message = 'artifacts may not be asked for within artifacts.';
        context.reportError(new GraphQLError(message, { nodes: [node] }));
      }
      if (fields > limits.maxFields) {
        const message = `The operation asks for ${fields} fields, fragments counted wherever they are spread; at most ${limits.maxFields} are allowed.`;
        context.reportError(new GraphQLError(message, { nodes: [node] }));
      }
    },
  });
}

/**
 * The one list whose length the client chooses multiplies what is asked for each of its members:
 * that can only be bounded once the variables are known.
 * @throws {GraphQLError} LIMIT_EXCEEDED, with HTTP status 400
 */
export function checkRepresentations(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  const count = longestList(operation, variables);
  if (count <= 1) return;
  if (count > MAX_REPRESENTATIONS) {
    const message = `The operation names ${count} representations; at most ${MAX_REPRESENTATIONS} are allowed: ask in parts.`;
    throw limitExceeded(message);
  }
  const fragments = new Map(
    document.definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((fragment) => [fragment.name.value, fragment]),
  );
  const { fields } = measureWith((name) => fragments.get(name))(operation.selectionSet);
  if (count * fields > MAX_ENTITY_FIELDS) {
    const message = `The operation asks for ${fields} fields of each of ${count} representations; at most ${MAX_ENTITY_FIELDS} in all are allowed: ask in parts.`;
    throw limitExceeded(message);
  }
}

function limitExceeded(message: string): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } },
  });
}

function longestList(
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const sent = Object.values(variables).map((value) => (Array.isArray(value) ? value.length : 1));
  const written = operation.selectionSet.selections.flatMap((selection) =>
    selection.kind === Kind.FIELD
      ? (selection.arguments ?? []).map(({ value }) =>
          value.kind === Kind.LIST ? value.values.length : 1,
        )
      : [],
  );
  return Math.max(1, ...sent, ...written);
}

type FindFragment = (name: string) => FragmentDefinitionNode | null | undefined;

function measureWith(findFragment: FindFragment): (set: SelectionSetNode) => Size {
  const fragments = new Map<FragmentDefinitionNode, Size>();

  function ofFragment(name: string): Size {
    const fragment = findFragment(name);
    if (!fragment) return NOTHING;
    const known = fragments.get(fragment);
    if (known) return known;
    // A fragment that spreads itself is another rule's error; here it must only come to an end.
    fragments.set(fragment, NOTHING);
    const size = ofSet(fragment.selectionSet);
    fragments.set(fragment, size);
    return size;
  }

  function ofSelection(selection: SelectionSetNode['selections'][number]): Size {
    switch (selection.kind) {
      case Kind.FRAGMENT_SPREAD:
        return ofFragment(selection.name.value);
      case Kind.INLINE_FRAGMENT:
        return ofSet(selection.selectionSet);
      case Kind.FIELD: {
        if (selection.name.value.startsWith('__')) return { depth: 1, fields: 1, lists: 0 };
        const inner = selection.selectionSet ? ofSet(selection.selectionSet) : NOTHING;
        const list = UNPAGED.has(selection.name.value) ? 1 : 0;
        return { depth: inner.depth + 1, fields: inner.fields + 1, lists: inner.lists + list };
      }
    }
  }

  function ofSet(set: SelectionSetNode): Size {
    return set.selections.map(ofSelection).reduce(
      (sum, size) => ({
        depth: Math.max(sum.depth, size.depth),
        fields: sum.fields + size.fields,
        lists: Math.max(sum.lists, size.lists),
      }),
      NOTHING,
    );
  }

  return ofSet;
}
