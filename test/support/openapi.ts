/** Checks requests and answers against RunPod's OpenAPI contract, with a short named overlay. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AnySchema, ErrorObject } from 'ajv';
import addFormats from 'ajv-formats';
import { readReference } from './reference.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly explode?: boolean;
  readonly schema: { readonly type?: string; readonly items?: unknown };
}
interface Operation {
  readonly parameters?: readonly unknown[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: unknown }>>;
  };
  readonly responses: Readonly<Record<string, unknown>>;
}
type PathItem = Readonly<Record<string, unknown>>;
interface Document {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: Record<string, Record<string, unknown>>;
}

export interface Exchange {
  readonly method: string;
  /** As the contract writes it: `/v2/pods/{id}`. */
  readonly route: string;
  readonly query?: URLSearchParams;
  readonly requestBody?: unknown;
  readonly status: number;
  readonly answer?: unknown;
}

export interface Contract {
  /** What is wrong with the request, one sentence each. */
  checkRequest(exchange: Pick<Exchange, 'method' | 'route' | 'query' | 'requestBody'>): string[];
  checkAnswer(exchange: Pick<Exchange, 'method' | 'route' | 'status' | 'answer'>): string[];
}

/**
 * Where RunPod has moved on since the contract of 2026-08-18, each with its source
 * (`runpod/FACTS.md`, "Since 2026-09 also (not in the saved contract)").
 */
export const OVERLAY = {
  /** Exec-form `cmd` and `entrypoint` in a create request. */
  createPodProperties: {
    cmd: { type: 'array', items: { type: 'string' } },
    entrypoint: { type: 'array', items: { type: 'string' } },
  },
  /** `GET /v2/pods` is paged. */
  listPodsParameters: ['limit', 'cursor'],
  /** Over 102,400 bytes of body; insufficient balance. Problems like every other. */
  extraStatuses: [402, 413],
} as const;

export function loadContract(): Contract {
  const document = JSON.parse(readReference('rest-v2.openapi.json')) as Document;
  addCreateProperties(document);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  for (const name of ['float', 'double', 'int64', 'int32']) ajv.addFormat(name, true);
  ajv.addSchema({ $id: 'contract', components: document.components });

  function check(schema: unknown, value: unknown): string[] {
    const validate = ajv.compile(rebase(schema) as AnySchema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(describe);
  }

  function operationOf(method: string, route: string): Operation | undefined {
    return document.paths[route]?.[method.toLowerCase()] as Operation | undefined;
  }

  function parametersOf(route: string, operation: Operation): Parameter[] {
    const shared = (document.paths[route]?.parameters ?? []) as unknown[];
    return [...shared, ...(operation.parameters ?? [])].map(
      (parameter) => resolve(document, parameter) as Parameter,
    );
  }

  return {
    checkRequest({ method, route, query, requestBody }) {
      const operation = operationOf(method, route);
      if (operation === undefined) return [`${method} ${route} is not in the contract`];
      const known = parametersOf(route, operation).filter((each) => each.in === 'query');
      const faults = [...(query ?? [])].flatMap(([name, text]) => {
        const parameter = known.find((each) => each.name === name);
        if (parameter !== undefined) return check(parameter.schema, parse(parameter, text));
        const isLater = route === '/v2/pods' && OVERLAY.listPodsParameters.some((n) => n === name);
        return isLater ? [] : [`unknown parameter ${name}`];
      });
      const body = operation.requestBody?.content['application/json']?.schema;
      if (requestBody === undefined) return faults;
      return [
        ...faults,
        ...(body === undefined ? ['a body is not expected'] : check(body, requestBody)),
      ];
    },

    checkAnswer({ method, route, status, answer }) {
      const operation = operationOf(method, route);
      if (operation === undefined) return [`${method} ${route} is not in the contract`];
      const isLater = OVERLAY.extraStatuses.some((each) => each === status);
      const response =
        operation.responses[isLater ? 'default' : status] ?? operation.responses.default;
      if (response === undefined) return [`status ${status} is not in the contract`];
      const { content } = resolve(document, response) as {
        content?: Record<string, { schema: unknown }>;
      };
      const [media] = Object.values(content ?? {});
      if (media === undefined) return answer === undefined ? [] : ['a body is not expected'];
      return check(media.schema, answer);
    },
  };
}

function addCreateProperties(document: Document): void {
  const create = document.components.schemas?.CreatePodRequest as {
    allOf: { properties?: Record<string, unknown> }[];
  };
  Object.assign(create.allOf[1]?.properties ?? {}, OVERLAY.createPodProperties);
}

function resolve(document: Document, value: unknown): unknown {
  const ref = (value as { $ref?: string }).$ref;
  if (ref === undefined) return value;
  return ref
    .slice(2)
    .split('/')
    .reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], document);
}

/** References are relative to the contract's root, not to the fragment that is compiled. */
function rebase(schema: unknown): unknown {
  return JSON.parse(
    JSON.stringify(schema).replaceAll('"#/components', '"contract#/components'),
  ) as unknown;
}

function parse({ schema, explode }: Parameter, text: string): unknown {
  if (schema.type === 'integer') return Number(text);
  if (schema.type === 'boolean') return text === 'true';
  return schema.type === 'array' && explode === false ? text.split(',') : text;
}

function describe({ instancePath, message }: ErrorObject): string {
  return `${instancePath || '/'} ${message ?? 'is wrong'}`;
}
