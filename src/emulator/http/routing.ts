import { Problem } from './problem.ts';

export interface Route {
  readonly method: string;
  /** With `{name}` for a segment that varies. */
  readonly path: string;
}

export type RouteMatch<R extends Route> =
  | {
      readonly kind: 'found';
      readonly route: R;
      readonly parameters: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'wrong-method'; readonly allow: string }
  | { readonly kind: 'unknown' };

/** As people and counters name it: `GET /v2/pods/{id}`. */
export function routeName({ method, path }: Route): string {
  return `${method} ${path}`;
}

/** The first route that fits. */
export function matchRoute<R extends Route>(
  routes: readonly R[],
  method: string,
  path: string,
): RouteMatch<R> {
  const samePath = routes.flatMap((route) => {
    const parameters = matchPath(route.path, path);
    return parameters === null ? [] : [{ route, parameters }];
  });
  if (samePath.length === 0) return { kind: 'unknown' };
  const found = samePath.find(({ route }) => route.method === method);
  if (found !== undefined) return { kind: 'found', ...found };
  return { kind: 'wrong-method', allow: samePath.map(({ route }) => route.method).join(', ') };
}

export function unknownPath(): Problem {
  return new Problem(404, 'resource not found');
}

export function wrongMethod(allow: string): Problem {
  return new Problem(405, 'The requested method is not allowed for this path.', {
    headers: { allow },
  });
}

function matchPath(template: string, path: string): Record<string, string> | null {
  const wanted = template.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const segment = given[index] ?? '';
    if (part.startsWith('{')) {
      const value = decode(segment);
      if (value === null || value === '') return null;
      parameters[part.slice(1, -1)] = value;
    } else if (part !== segment) return null;
  }
  return parameters;
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
