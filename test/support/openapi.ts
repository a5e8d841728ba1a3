/**
 * RunPod's official REST v2 contract (OpenAPI 3.1 of 2026-08-18) as a check on requests and answers.
 * The contract is reference material beside the repository, never in it: see {@link loadContract}.
 */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { applyOverlay } from '../emulator/contract-overlay.ts';
import { closeSchema, isObject, resolveRefs } from '../emulator/contract-schema.ts';
import type { Json, JsonObject } from '../emulator/contract-schema.ts';
import { hasReference, readReference } from './reference.ts';

export interface ContractRequest {
  readonly method: string;
  /** With the real ids, percent-encoded, without a query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>> | URLSearchParams;
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The parsed JSON body; absent: none. */
  readonly body?: unknown;
}

export interface ContractAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Parsed JSON, or the text of a stream; undefined: no body. */
  readonly body?: unknown;
}

export interface Contract {
  /**
   * What the contract does not allow of a request: an unknown route, a parameter or field it does
   * not know, a value out of its schema, a missing bearer token. Empty: nothing.
   */
  checkRequest(request: ContractRequest): string[];
  /** What the contract does not allow of an answer. Fields it does not know count: they are drift. */
  checkAnswer(answer: ContractAnswer): string[];
}

interface Operation {
  readonly definition: JsonObject;
  readonly parameters: readonly JsonObject[];
  readonly pathValues: Readonly<Record<string, string>>;
}

/**
 * The contract in the folder that RUNPOD_REFERENCE_DIR names, or else `../shared/runpod` beside the
 * repository. Null where it is not there.
 */
export function loadContract(): Contract | null {
  if (!hasReference) return null;
  return createContract(JSON.parse(readReference('rest-v2.openapi.json')) as JsonObject);
}

function createContract(original: JsonObject): Contract {
  const document = resolveRefs(applyOverlay(original)) as JsonObject;
  const paths = document.paths as Readonly<Record<string, JsonObject>>;
  const check = createChecker();

  return {
    checkRequest(request) {
      const operation = findOperation(paths, request.method, request.path);
      if (typeof operation === 'string') return [operation];
      return [
        ...checkBearer(request.headers ?? {}),
        ...checkParameters(operation, request, check),
        ...checkRequestBody(operation, request.body, check),
      ];
    },
    checkAnswer({ method, path, status, body }) {
      const operation = findOperation(paths, method, path);
      if (typeof operation === 'string') return [operation];
      const responses = operation.definition.responses as Readonly<Record<string, JsonObject>>;
      const response = responses[String(status)] ?? responses.default;
      if (response === undefined) return [`status ${status} is not in the contract`];
      return checkContent(response, body, `answer ${status}`, check);
    },
  };
}

type Checker = (schema: Json, value: unknown, where: string) => string[];

/** Compiles each schema once. */
function createChecker(): Checker {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat('event-id', /^\d{4}-\d\d-\d\dT[^/]+Z(\/\d{12})?$/);
  const compiled = new Map<Json, ValidateFunction>();
  return (schema, value, where) => {
    const validate = compiled.get(schema) ?? ajv.compile(schema as JsonObject);
    compiled.set(schema, validate);
    return validate(value) ? [] : (validate.errors ?? []).map((error) => tell(error, where));
  };
}

function tell({ instancePath, message, params }: ErrorObject, where: string): string {
  return `${where}${instancePath}: ${message ?? 'wrong'} ${JSON.stringify(params)}`;
}

/** A sentence where there is none. A path without variables wins over one with them. */
function findOperation(
  paths: Readonly<Record<string, JsonObject>>,
  method: string,
  path: string,
): Operation | string {
  const candidates = Object.entries(paths)
    .flatMap(([template, item]) => {
      const pathValues = matchTemplate(template, path);
      return pathValues === null ? [] : [{ item, pathValues }];
    })
    .sort((a, b) => Object.keys(a.pathValues).length - Object.keys(b.pathValues).length);
  const [found] = candidates;
  if (found === undefined) return `path ${path} is not in the contract`;
  const definition = found.item[method.toLowerCase()];
  if (!isObject(definition)) return `method ${method} of ${path} is not in the contract`;
  const parameters = [found.item.parameters, definition.parameters]
    .flatMap((list) => (Array.isArray(list) ? (list as readonly Json[]) : []))
    .filter(isObject);
  return { definition, parameters, pathValues: found.pathValues };
}

function matchTemplate(template: string, path: string): Record<string, string> | null {
  const names = [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  const pattern = new RegExp(`^${template.replace(/\{\w+\}/g, '([^/]+)')}$`);
  const match = pattern.exec(path);
  if (match === null) return null;
  return Object.fromEntries(
    names.map((name, index) => [name, decodeURIComponent(match[index + 1] ?? '')]),
  );
}

function checkBearer(headers: Readonly<Record<string, string>>): string[] {
  const isBearer = /^Bearer \S+$/i.test(headers.authorization ?? '');
  return isBearer ? [] : ['header authorization: a bearer token is required'];
}

function checkParameters(operation: Operation, request: ContractRequest, check: Checker): string[] {
  const query = Object.fromEntries(new URLSearchParams(request.query));
  const given = { path: operation.pathValues, query, header: request.headers ?? {} };
  const unknown = Object.keys(query).filter(
    (name) => !operation.parameters.some((known) => known.name === name && known.in === 'query'),
  );
  return [
    ...unknown.map((name) => `query ${name}: is not in the contract`),
    ...operation.parameters.flatMap((parameter) => checkParameter(parameter, given, check)),
  ];
}

function checkParameter(
  parameter: JsonObject,
  given: Readonly<Record<'path' | 'query' | 'header', Readonly<Record<string, string>>>>,
  check: Checker,
): string[] {
  const place = parameter.in as 'path' | 'query' | 'header';
  const name = parameter.name as string;
  const text = given[place][place === 'header' ? name.toLowerCase() : name];
  const where = `${place} ${name}`;
  if (text === undefined) return parameter.required === true ? [`${where}: is missing`] : [];
  const schema = parameter.schema ?? true;
  return check(schema, readParameter(schema, text), where);
}

/** Text of a URL as what its schema says it is; text that is none of it stays text, and fails. */
function readParameter(schema: Json, text: string): unknown {
  switch (isObject(schema) ? schema.type : undefined) {
    case 'integer':
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'array':
      return text.split(',');
    default:
      return text;
  }
}

function checkRequestBody(operation: Operation, body: unknown, check: Checker): string[] {
  const expected = operation.definition.requestBody;
  if (!isObject(expected)) return body === undefined ? [] : ['body: the contract has none'];
  const schema = schemaOf(expected);
  if (body === undefined) return expected.required === true ? ['body: is missing'] : [];
  return schema === null ? ['body: has no schema'] : check(schema, body, 'body');
}

function checkContent(content: JsonObject, body: unknown, where: string, check: Checker): string[] {
  const schema = schemaOf(content);
  if (schema === null) return body === undefined ? [] : [`${where}: the contract has no body here`];
  return check(closeSchema(schema), body ?? null, where);
}

/** The schema of the one media type that each body of this contract has. */
function schemaOf({ content }: JsonObject): Json | null {
  if (!isObject(content)) return null;
  const [media] = Object.values(content);
  return isObject(media) ? (media.schema ?? null) : null;
}
