/** The same log on the other roads: page by page, and as the file it becomes. */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { createGunzip } from 'node:zlib';
import type { World } from '../chaos/world.ts';
import { until } from '../support/until.ts';
import { createLineCheck } from './line-check.ts';
import type { SeenLine, Verdict } from './line-check.ts';

const PAGE_LINES = 1_000;
/** Many logs become files at the same time, on a machine that may be small. */
const ARTIFACT_MS = 600_000;
const ASK_AGAIN_MS = 500;

const PAGE = `query($id: ID!, $first: Int, $after: LogCursor) { trainingJob(id: $id) {
  logs(first: $first, after: $after) {
    lines { seq at source attempt text } endCursor hasNextPage
  } } }`;
const JOB = `query($id: ID!) { trainingJob(id: $id) {
  status failure { code message } attempts { number outcome } artifacts { kind path downloadUrl } } }`;

interface Page {
  readonly lines: readonly SeenLine[];
  readonly endCursor: string | null;
  readonly hasNextPage: boolean;
}

interface JobAnswer {
  readonly status: string;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly attempts: readonly { readonly outcome: string | null }[];
  readonly artifacts: readonly {
    readonly kind: string;
    readonly path: string;
    readonly downloadUrl: string;
  }[];
}

export async function checkPages(world: World, id: string): Promise<Verdict> {
  const check = createLineCheck();
  for (let after: string | null = null; ;) {
    const answer = await world.ask(PAGE, { id, first: PAGE_LINES, after });
    const { logs } = answer.data?.trainingJob as unknown as { logs: Page };
    check.take(logs.lines);
    if (!logs.hasNextPage) return check.verdict();
    after = logs.endCursor;
  }
}

export async function readJob(world: World, id: string): Promise<JobAnswer> {
  const answer = await world.ask(JOB, { id });
  return answer.data?.trainingJob as unknown as JobAnswer;
}

/** Waits until there is one; a server that is killed in the middle is asked again. */
export async function checkArtifact(world: World, id: string): Promise<Verdict> {
  return until(
    'the log is a file, and can be read',
    async () => {
      await pause(ASK_AGAIN_MS);
      const { artifacts } = await readJob(world, id);
      const file = artifacts.find(({ kind, path }) => kind === 'LOG' && path === 'log.jsonl.gz');
      return file === undefined ? null : readFile(file.downloadUrl).catch(() => null);
    },
    ARTIFACT_MS,
  );
}

async function readFile(url: string): Promise<Verdict> {
  const response = await fetch(url);
  if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
  const check = createLineCheck();
  const text = Readable.fromWeb(response.body as never).pipe(createGunzip());
  for await (const line of createInterface({ input: text, crlfDelay: Infinity })) {
    check.take([JSON.parse(line) as SeenLine]);
  }
  return check.verdict();
}
