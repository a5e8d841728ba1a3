/** Where RunPod is known to be ahead of, or other than, its contract of 2026-08-18. Keep it short. */
import { isObject } from './contract-schema.ts';
import type { Json, JsonObject } from './contract-schema.ts';

interface OverlayEntry {
  readonly name: string;
  readonly source: string;
  /** Where in the document; everything there stays, `adds` comes to it. */
  readonly at: readonly string[];
  readonly adds: JsonObject | readonly Json[];
}

const DOCUMENTATION = 'RunPod documentation as of 2026-09';
const strings: JsonObject = { type: 'array', items: { type: 'string' } };
const createBody = ['components', 'schemas', 'CreatePodRequest', 'allOf', '1', 'properties'];
const createGpu = ['components', 'schemas', 'CreateGpuConfig', 'allOf', '1', 'properties'];

export const OVERLAY: readonly OverlayEntry[] = [
  {
    name: 'a pod is created with an exec-form command',
    source: DOCUMENTATION,
    at: createBody,
    adds: { cmd: strings, entrypoint: strings },
  },
  {
    name: 'a pod is created with floors for its host',
    source: DOCUMENTATION,
    at: createGpu,
    adds: { minRamPerGpu: { type: 'integer' }, minVcpuCountPerGpu: { type: 'integer' } },
  },
  {
    name: 'the list of pods is asked for by page',
    source: DOCUMENTATION,
    at: ['paths', '/v2/pods', 'get', 'parameters'],
    adds: [
      { name: 'limit', in: 'query', schema: { type: 'integer', minimum: 1, maximum: 1000 } },
      { name: 'cursor', in: 'query', schema: { type: 'string' } },
    ],
  },
  {
    name: 'the list of pods tells of its next page',
    source: DOCUMENTATION,
    at: ['components', 'schemas', 'ListPodsResponse', 'properties'],
    adds: {
      pagination: {
        type: 'object',
        required: ['nextCursor', 'hasNextPage'],
        properties: {
          nextCursor: { type: ['string', 'null'] },
          hasNextPage: { type: 'boolean' },
        },
      },
    },
  },
  {
    name: 'the id of a log event is a timestamp with a counter behind it',
    source: "the contract's own example of getPodLogs, which its format: date-time refuses",
    at: ['components', 'parameters', 'LogLastEventID', 'schema'],
    adds: { format: 'event-id' },
  },
];

export function applyOverlay(document: JsonObject): JsonObject {
  return OVERLAY.reduce(
    (changed, { at, adds }) => addAt(changed, at, adds) as JsonObject,
    document,
  );
}

/** @throws {Error} where the document has no such place: then the entry has had its day */
function addAt(value: Json, at: readonly string[], adds: OverlayEntry['adds']): Json {
  const [step, ...rest] = at;
  if (step === undefined) return merge(value, adds);
  if (Array.isArray(value)) {
    return value.map((item: Json, index) =>
      String(index) === step ? addAt(item, rest, adds) : item,
    );
  }
  const inner = isObject(value) ? value[step] : undefined;
  if (!isObject(value) || inner === undefined) throw new Error(`the contract has no ${step}`);
  return { ...value, [step]: addAt(inner, rest, adds) };
}

function merge(value: Json, adds: OverlayEntry['adds']): Json {
  if (isList(value) && isList(adds)) return [...value, ...adds];
  if (isObject(value) && isObject(adds)) return { ...value, ...adds };
  throw new Error('an entry of the overlay does not fit its place');
}

/** As Array.isArray, which makes a readonly list one of anything. */
function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
