import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';

/** Inside, an instant is a number of epoch milliseconds; outside, RFC 3339 in UTC. */
export const dateTimeScalar = new GraphQLScalarType<number, string>({
  name: 'DateTime',
  serialize(value) {
    if (typeof value !== 'number') throw new GraphQLError('DateTime must be epoch milliseconds.');
    return formatInstant(value);
  },
  parseValue: parseInstant,
  parseLiteral: (node) => parseInstant(node.kind === Kind.STRING ? node.value : undefined),
});

let lastInstant = NaN;
let lastText = '';

/** Every row of a list was observed at the same instant: the last text is kept. */
function formatInstant(instant: number): string {
  if (instant !== lastInstant) {
    lastText = new Date(instant).toISOString();
    lastInstant = instant;
  }
  return lastText;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

function parseInstant(value: unknown): number {
  const instant = typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(instant)) {
    throw new GraphQLError('DateTime must be RFC 3339 text, such as "2026-11-24T09:30:00Z".');
  }
  return instant;
}
