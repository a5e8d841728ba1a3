/**
 * The whole supergraph with one command, from the root of the repository:
 *
 *     npm run supergraph                      until Ctrl-C
 *     npm run supergraph -- --check           tries everything, then ends by itself
 *     npm run supergraph -- --planner rust    with the query planner of Hive Router
 *
 * Nothing is rented and nothing is billed, whatever the environment says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { check } from './check.ts';
import { install } from './install.ts';
import { startSupergraph } from './supergraph.ts';
import type { Supergraph, SupergraphSettings } from './supergraph.ts';
import { createExperiment, createVisitor, submitTinyJob } from './visitor.ts';

const USAGE = `Usage: npm run supergraph -- [options]
  --check                   try everything, then end; takes free ports
  --planner js|rust         who plans queries [js]
  --port PORT               of the gateway [4100]
  --runpod-port PORT        of this subgraph [4000]
  --experiments-port PORT   of the other [4001]
`;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;
/** Ctrl-C under npm comes twice, from the terminal and from npm: that is one wish, not two. */
const SAME_KEYSTROKE_MS = 200;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    process.stderr.write(USAGE);
    return EXIT_USAGE;
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'runpod-subgraph-supergraph-'));
  const ending = endOnSignal();
  try {
    await install(say);
    say('Starting two subgraphs and the gateway …');
    const supergraph = await startSupergraph({ ...options.settings, dataDir });
    try {
      await (options.isCheck ? runCheck : serve)(supergraph, ending);
    } finally {
      say('Shutting down.');
      await supergraph.close();
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${failure(error)}\n`);
    return EXIT_FAILED;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        check: { type: 'boolean', default: false },
        planner: { type: 'string', default: 'js' },
        port: { type: 'string' },
        'runpod-port': { type: 'string' },
        'experiments-port': { type: 'string' },
      },
    });
    const { planner } = values;
    if (planner !== 'js' && planner !== 'rust') return null;
    const portOf = (text: string | undefined, usual: number) => {
      const port = text === undefined ? (values.check ? 0 : usual) : Number(text);
      if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('not a port');
      return port;
    };
    const settings: Omit<SupergraphSettings, 'dataDir'> = {
      planner,
      gatewayPort: portOf(values.port, 4_100),
      runpodPort: portOf(values['runpod-port'], 4_000),
      experimentsPort: portOf(values['experiments-port'], 4_001),
    };
    return { isCheck: values.check, settings };
  } catch {
    return null;
  }
}

function endOnSignal(): AbortSignal {
  const ending = new AbortController();
  let since: number | undefined;
  const end = (): void => {
    if (since !== undefined && performance.now() - since > SAME_KEYSTROKE_MS) {
      process.exit(EXIT_INTERRUPTED);
    }
    since ??= performance.now();
    ending.abort();
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  return ending.signal;
}

async function runCheck(supergraph: Supergraph, ending: AbortSignal): Promise<void> {
  await check(createVisitor(supergraph.gatewayUrl), say, ending);
  say('Everything works.');
}

async function serve(supergraph: Supergraph, ending: AbortSignal): Promise<void> {
  const visitor = createVisitor(supergraph.gatewayUrl);
  const jobId = await submitTinyJob(visitor, 'rank 32');
  const experimentId = await createExperiment(visitor, 'How large a rank?', [jobId]);
  say(banner(supergraph, jobId, experimentId));
  if (!ending.aborted) await once(ending, 'abort');
}

function banner(supergraph: Supergraph, jobId: string, experimentId: string): string {
  const { gatewayUrl, runpodUrl, experimentsUrl, emulatorUrl } = supergraph;
  const curl = `curl -s ${gatewayUrl} -H 'content-type: application/json' -d`;
  return `
Supergraph   ${gatewayUrl}   (open it in a browser for an IDE)
  runpod       ${runpodUrl}   emulator on ${emulatorUrl}: nothing is rented, nothing is billed
  experiments  ${experimentsUrl}

A small training runs in an experiment. Both subgraphs in one query:

  ${curl} '{"query":"{ experiment(id: \\"${experimentId}\\") { name trainingJobs { name status cost { usdSoFar } } } }"}'

The other way round, and what the cheapest GPUs cost:

  ${curl} '{"query":"{ trainingJob(id: \\"${jobId}\\") { status experiment { name } } gpuResources(filter: {minMemoryGb: 24}) { name pricing { onDemandUsdPerHour stock } } }"}'

Its log as server-sent events (browsers and services may use WebSocket at the same address):

  curl -sN ${gatewayUrl} -H 'accept: text/event-stream' -H 'content-type: application/json' -d '{"query":"subscription { trainingJobLogs(jobId: \\"${jobId}\\") { ... on LogBatch { text endCursor } ... on StreamEnd { reason } } }"}'

Ctrl-C ends everything.
`;
}

function failure(error: unknown): string {
  const { code, port, message } = error as { code?: string; port?: number; message: string };
  return code === 'EADDRINUSE'
    ? `Port ${port ?? ''} is taken: stop what listens there, or choose others.\n${USAGE}`
    : message;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
