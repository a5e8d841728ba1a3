/**
 * Bounds on what one operation may ask, the same on HTTP and WebSocket. Fragments are counted where
 * they are spread, so that a few lines cannot ask for millions of fields.
 */
import { GraphQLError, Kind } from 'graphql';
import type {
  FragmentDefinitionNode,
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

interface Size {
  readonly depth: number;
  readonly fields: number;
}

const NOTHING: Size = { depth: 0, fields: 0 };

export function createLimitsRule(limits: OperationLimits): ValidationRule {
  return (context: ValidationContext) => ({
    OperationDefinition(node) {
      const { depth, fields } = measureWith(context)(node.selectionSet);
      if (depth > limits.maxDepth) {
        const message = `The operation nests ${depth} fields deep; at most ${limits.maxDepth} are allowed.`;
        context.reportError(new GraphQLError(message, { nodes: [node] }));
      }
      if (fields > limits.maxFields) {
        const message = `The operation asks for ${fields} fields, fragments counted wherever they are spread; at most ${limits.maxFields} are allowed.`;
        context.reportError(new GraphQLError(message, { nodes: [node] }));
      }
    },
  });
}

function measureWith(context: ValidationContext): (set: SelectionSetNode) => Size {
  const fragments = new Map<FragmentDefinitionNode, Size>();

  function ofFragment(name: string): Size {
    const fragment = context.getFragment(name);
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
        if (selection.name.value.startsWith('__')) return { depth: 1, fields: 1 };
        const inner = selection.selectionSet ? ofSet(selection.selectionSet) : NOTHING;
        return { depth: inner.depth + 1, fields: inner.fields + 1 };
      }
    }
  }

  function ofSet(set: SelectionSetNode): Size {
    return set.selections.map(ofSelection).reduce(
      (sum, size) => ({
        depth: Math.max(sum.depth, size.depth),
        fields: sum.fields + size.fields,
      }),
      NOTHING,
    );
  }

  return ofSet;
}
