/** Schemas of an OpenAPI document as plain JSON: references replaced, and objects closed. */

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Puts what each `$ref` points to in its place. The contract has no reference to itself. */
export function resolveRefs(document: JsonObject): Json {
  const resolve = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(resolve);
    if (!isObject(value)) return value;
    const { $ref, ...beside } = value;
    if (typeof $ref !== 'string') return mapValues(value, resolve);
    const target = resolve(pointedAt(document, $ref));
    return isObject(target) ? { ...target, ...mapValues(beside, resolve) } : target;
  };
  return resolve(document);
}

function pointedAt(document: JsonObject, ref: string): Json {
  const steps = ref.replace(/^#\//, '').split('/');
  return steps.reduce<Json>((value, step) => {
    const next = isObject(value) ? value[step] : undefined;
    if (next === undefined) throw new Error(`the contract has no ${ref}`);
    return next;
  }, document);
}

const closed = new WeakMap<JsonObject, Json>();

/**
 * The same schema, refusing properties that it does not name. Objects that say something of other
 * properties themselves stay as they are. Parts of an `allOf` are closed together, not each.
 */
export function closeSchema(schema: Json): Json {
  if (!isObject(schema)) return schema;
  const known = closed.get(schema);
  if (known !== undefined) return known;
  const result = closeWhole(schema);
  closed.set(schema, result);
  return result;
}

function closeWhole(schema: JsonObject): Json {
  const inner = closeInside(schema);
  const saysItself = 'additionalProperties' in schema || 'unevaluatedProperties' in schema;
  return namesProperties(schema) && !saysItself
    ? { ...inner, unevaluatedProperties: false }
    : inner;
}

function closeInside(schema: JsonObject): JsonObject {
  const { properties, items, anyOf, allOf } = schema;
  return {
    ...schema,
    ...(isObject(properties) && { properties: mapValues(properties, closeSchema) }),
    ...(isObject(items) && { items: closeSchema(items) }),
    ...(Array.isArray(anyOf) && { anyOf: anyOf.map(closeSchema) }),
    ...(Array.isArray(allOf) && {
      allOf: allOf.map((part: Json) => (isObject(part) ? closeInside(part) : part)),
    }),
  };
}

function namesProperties(schema: Json): boolean {
  if (!isObject(schema)) return false;
  const { allOf } = schema;
  return 'properties' in schema || (Array.isArray(allOf) && allOf.some(namesProperties));
}

function mapValues(object: JsonObject, change: (value: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
