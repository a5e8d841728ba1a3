/**
 * A Hugging Face Hub of our own, as far as huggingface_hub and datasets ask it: repositories are
 * folders `models/OWNER/NAME` and `datasets/OWNER/NAME`. Those of the owner `gated` want the token.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, sep } from 'node:path';

export interface Hub {
  readonly url: string;
  /** `METHOD path` of every request so far. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

interface Repo {
  readonly kind: 'models' | 'datasets';
  readonly id: string;
  readonly folder: string;
}

const REPO = '([A-Za-z0-9][\\w.-]*/[A-Za-z0-9][\\w.-]*)';
const API = new RegExp(
  `^/api/(models|datasets)/${REPO}(?:/(revision|tree|paths-info)/([^/]+)(?:/(.*))?)?$`,
);
const FILE = new RegExp(`^/(datasets/)?${REPO}/resolve/([^/]+)/(.+)$`);
/** A commit id: every repository has one state. */
const COMMIT = '0123456789abcdef0123456789abcdef01234567';

export async function startHub(folder: string, token: string): Promise<Hub> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://hub');
    requests.push(`${request.method ?? ''} ${url.pathname}`);
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      answer({ folder, token, request, response, path: decodeURIComponent(url.pathname), body });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

interface Exchange {
  readonly folder: string;
  readonly token: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly body: string;
}

function answer(exchange: Exchange): void {
  const { folder, path, response } = exchange;
  const api = API.exec(path);
  const file = FILE.exec(path);
  const kind = api ? (api[1] as Repo['kind']) : file?.[1] === undefined ? 'models' : 'datasets';
  const id = api?.[2] ?? file?.[2];
  if (id === undefined) {
    refuse(response, 404, 'EntryNotFound', 'Not found');
    return;
  }
  const repo = { kind, id, folder: join(folder, kind, id) };
  const wrong = refusalOf(repo, exchange, api?.[4] ?? file?.[3] ?? 'main');
  if (wrong !== null) {
    refuse(response, ...wrong);
    return;
  }
  if (file !== null) sendFile(exchange, join(repo.folder, file[4] ?? ''));
  else sendApi(exchange, repo, { what: api?.[3] ?? 'revision', under: api?.[5] ?? '' });
}

/** As the hub says it: without a token it does not tell a missing repository from a private one. */
function refusalOf(
  repo: Repo,
  { request, token }: Exchange,
  revision: string,
): readonly [number, string, string] | null {
  const given = request.headers.authorization;
  if (!existsSync(repo.folder)) {
    return [given === undefined ? 401 : 404, 'RepoNotFound', 'Repository not found'];
  }
  if (repo.id.startsWith('gated/') && given !== `Bearer ${token}`) {
    return [
      given === undefined ? 401 : 403,
      'GatedRepo',
      `Access to model ${repo.id} is restricted.`,
    ];
  }
  if (revision !== 'main' && revision !== COMMIT) {
    return [404, 'RevisionNotFound', `Invalid rev id: ${revision}`];
  }
  return null;
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'X-Error-Code': code, 'X-Error-Message': message });
  response.end(JSON.stringify({ error: message }));
}

function filesOf({ folder }: Repo): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

interface Question {
  readonly what: string;
  /** A folder of the repository; empty: all of it. */
  readonly under: string;
}

function sendApi({ response, body }: Exchange, repo: Repo, { what, under }: Question): void {
  const files = filesOf(repo);
  const entryOf = (path: string) => {
    const bytes = readFileSync(join(repo.folder, path));
    return { type: 'file', path, size: bytes.length, oid: sha1(bytes) };
  };
  const wanted = () =>
    [...new URLSearchParams(body).getAll('paths'), ...jsonPaths(body)].filter((path) =>
      files.includes(path),
    );
  const info = {
    _id: '0',
    id: repo.id,
    modelId: repo.id,
    sha: COMMIT,
    private: false,
    gated: repo.id.startsWith('gated/') ? 'manual' : false,
    disabled: false,
    tags: [],
    downloads: 0,
    likes: 0,
    lastModified: '2026-01-01T00:00:00.000Z',
    createdAt: '2026-01-01T00:00:00.000Z',
    siblings: files.map((rfilename) => ({ rfilename })),
  };
  const answers: Readonly<Record<string, () => unknown>> = {
    revision: () => info,
    tree: () => files.filter((path) => path.startsWith(under)).map(entryOf),
    'paths-info': () => wanted().map(entryOf),
  };
  const make = answers[what];
  if (make === undefined) {
    refuse(response, 404, 'EntryNotFound', 'Not found');
    return;
  }
  response.writeHead(200, { 'Content-Type': 'application/json', 'X-Repo-Commit': COMMIT });
  response.end(JSON.stringify(make()));
}

function jsonPaths(body: string): readonly string[] {
  try {
    const { paths } = JSON.parse(body) as { paths?: string | string[] };
    return paths === undefined ? [] : [paths].flat();
  } catch {
    return [];
  }
}

function sendFile({ request, response }: Exchange, path: string): void {
  if (!existsSync(path) || !statSync(path).isFile()) {
    refuse(response, 404, 'EntryNotFound', 'Entry not found');
    return;
  }
  const bytes = readFileSync(path);
  const [from, to] = rangeOf(request.headers.range, bytes.length);
  const part = bytes.subarray(from, to + 1);
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    'Content-Length': part.length,
    'Accept-Ranges': 'bytes',
    ...(request.headers.range !== undefined && {
      'Content-Range': `bytes ${from}-${to}/${bytes.length}`,
    }),
    ETag: `"${sha1(bytes)}"`,
    'X-Repo-Commit': COMMIT,
  });
  response.end(request.method === 'HEAD' ? undefined : part);
}

function rangeOf(header: string | undefined, length: number): readonly [number, number] {
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  return [Number(from), to === '' ? length - 1 : Math.min(Number(to), length - 1)];
}

function sha1(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex');
}
