/** A client of the supergraph that has no library: what every client does, in a few lines. */
import { readFileSync } from 'node:fs';
import { createClient } from 'graphql-ws';
import { createParser } from 'eventsource-parser';
import { WebSocket } from 'ws';

const ASK_MS = 20_000;

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
}

type Variables = Readonly<Record<string, unknown>>;

type Stream = (
  query: string,
  variables: Variables,
  /** Leaves. */
  signal: AbortSignal,
) => AsyncIterable<Answer>;

export interface Visitor {
  /** @throws {Error} if the answer has errors, or does not come in time */
  readonly ask: <T>(query: string, variables?: Variables) => Promise<T>;
  /** What a stream sends, over WebSocket (graphql-transport-ws). */
  readonly overWebSocket: Stream;
  /** The same as server-sent events (graphql-sse, one connection a stream). */
  readonly overSse: Stream;
}

export function createVisitor(url: string): Visitor {
  const post = (accept: string, query: string, variables: Variables, signal: AbortSignal) =>
    fetch(url, {
      method: 'POST',
      headers: { accept, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
      signal,
    });

  return {
    async ask<T>(query: string, variables: Variables = {}) {
      const signal = AbortSignal.timeout(ASK_MS);
      const response = await post('application/json', query, variables, signal);
      const { data, errors } = (await response.json()) as Answer;
      if (errors !== undefined) throw new Error(`${query}\n→ ${JSON.stringify(errors)}`);
      return data as T;
    },
    async *overWebSocket(query, variables, signal) {
      const client = createClient({
        url: url.replace('http', 'ws'),
        webSocketImpl: WebSocket,
        retryAttempts: 0,
      });
      const end = (): void => void client.dispose();
      signal.addEventListener('abort', end, { once: true });
      try {
        yield* client.iterate({ query, variables });
      } finally {
        signal.removeEventListener('abort', end);
        await client.dispose();
      }
    },
    async *overSse(query, variables, signal) {
      const { body } = await post('text/event-stream', query, variables, signal);
      const events: { event?: string | undefined; data: string }[] = [];
      const parser = createParser({ onEvent: (event) => events.push(event) });
      for await (const text of (body ?? new ReadableStream()).pipeThrough(
        new TextDecoderStream(),
      )) {
        parser.feed(text);
        for (const { event, data } of events.splice(0)) {
          if (event === 'complete') return;
          if (event === 'next') yield JSON.parse(data) as Answer;
        }
      }
    },
  };
}

const EXAMPLE = new URL('../', import.meta.url);

/** Submits the example of this repository. @returns the id of its job */
export async function submitTinyJob(visitor: Visitor, name: string): Promise<string> {
  const { datasetFile, ...input } = JSON.parse(
    readFileSync(new URL('tiny.json', EXAMPLE), 'utf8'),
  ) as { datasetFile: string; spec: object };
  const { createDatasetUpload: upload } = await visitor.ask<{
    createDatasetUpload: { uploadId: string; uploadUrl: string };
  }>('mutation($name: String!) { createDatasetUpload(fileName: $name) { uploadId uploadUrl } }', {
    name: datasetFile,
  });
  // Files do not pass through the gateway: the URL is this service's own, and signed.
  const body = readFileSync(new URL(datasetFile, EXAMPLE));
  const stored = await fetch(upload.uploadUrl, { method: 'PUT', body });
  if (!stored.ok) throw new Error(`The dataset was refused: ${await stored.text()}`);
  const spec = { ...input.spec, dataset: { uploadId: upload.uploadId } };
  const { submitTrainingJob } = await visitor.ask<{
    submitTrainingJob: { job: { id: string } | null; userErrors: readonly object[] };
  }>(
    `mutation($input: SubmitTrainingJobInput!) {
       submitTrainingJob(input: $input) { job { id } userErrors { message path } } }`,
    { input: { ...input, name, spec } },
  );
  const { job, userErrors } = submitTrainingJob;
  if (job === null) throw new Error(`The job was refused: ${JSON.stringify(userErrors)}`);
  return job.id;
}

/** @returns the id of a new experiment */
export async function createExperiment(
  visitor: Visitor,
  name: string,
  trainingJobIds: readonly string[],
): Promise<string> {
  const { createExperiment: created } = await visitor.ask<{
    createExperiment: { experiment: { id: string } };
  }>(
    `mutation($input: CreateExperimentInput!) {
       createExperiment(input: $input) { experiment { id } userErrors { message } } }`,
    { input: { name, trainingJobIds } },
  );
  return created.experiment.id;
}
