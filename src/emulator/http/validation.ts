/**
 * Reads bodies and query parameters by zod schemas and tells faults the way the original does:
 * 400 for text that is not JSON, 422 with one sentence per fault for what does not fit.
 */
import { z } from 'zod';
import { Problem, validationProblem } from './problem.ts';

/** @throws {Problem} 400 or 422 */
export function parseBody<T>(schema: z.ZodType<T>, text: string): T {
  return fit(schema, parseJson(text), '$');
}

/** Parameters the schema does not name are ignored: the original ignores them. @throws {Problem} 422 */
export function parseQuery<T>(schema: z.ZodType<T>, query: URLSearchParams): T {
  return fit(schema, Object.fromEntries(query), '$query');
}

/** @throws {Problem} 400 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Problem(400, 'request body is not valid JSON');
  }
}

/** All faults of a value, as in `$.gpu.count: got string, want integer`. */
export function describeFaults(error: z.ZodError, value: unknown, root = '$'): string[] {
  return error.issues.map((issue) => describe(issue, value, root));
}

/** A whole number in a query parameter. */
export function queryInteger(minimum: number, maximum: number) {
  return z
    .string()
    .regex(/^-?\d{1,15}$/, { error: 'got string, want integer' })
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum));
}

/** A comma-separated list in a query parameter. */
export function queryList<T>(item: z.ZodType<T>) {
  return z
    .string()
    .transform((text): unknown[] => text.split(','))
    .pipe(z.array(item));
}

function fit<T>(schema: z.ZodType<T>, value: unknown, root: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationProblem(describeFaults(result.error, value, root));
}

/** The sentences of the original's validator, as far as they are known (samples of 2026-08-20). */
function describe(issue: z.core.$ZodIssue, value: unknown, root: string): string {
  const at = (path: readonly PropertyKey[]) => [root, ...path.map(String)].join('.');
  switch (issue.code) {
    case 'unrecognized_keys':
      return `${at(issue.path)}: additional properties ${quoteAll(issue.keys)} not allowed`;
    case 'invalid_value':
      return `${at(issue.path)}: value must be one of ${quoteAll(issue.values.map(String))}`;
    case 'invalid_type':
      return describeType(issue, value, at);
    default:
      return `${at(issue.path)}: ${issue.message}`;
  }
}

function describeType(
  issue: z.core.$ZodIssueInvalidType,
  value: unknown,
  at: (path: readonly PropertyKey[]) => string,
): string {
  const given = valueAt(value, issue.path);
  const property = issue.path.at(-1);
  if (given === undefined && property !== undefined) {
    return `${at(issue.path.slice(0, -1))}: missing property '${String(property)}'`;
  }
  return `${at(issue.path)}: got ${typeName(given)}, want ${WANTED[issue.expected] ?? issue.expected}`;
}

/** Where zod's word for a type is not JSON Schema's. */
const WANTED: Readonly<Record<string, string>> = { int: 'integer', record: 'object' };

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined,
    value,
  );
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

function quoteAll(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}
