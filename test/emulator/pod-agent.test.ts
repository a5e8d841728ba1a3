/** The real agent in a pod of the emulator, driven as the owner drives it: through the proxy. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import { addFault, readPod } from './client.ts';
import { linesOf, openLog } from './log-reader.ts';
import { processesOf, recordOf, runPod, startPodWorld, untilGone } from './pod-client.ts';
import type { PodWorld } from './pod-client.ts';

const TOKEN = 'token-for-tests-0123456789';
const AGENT = new URL('../../agent/', import.meta.url);
const PROTOCOL = readFileSync(new URL('PROTOCOL.md', AGENT), 'utf8');

/** PROTOCOL.md §1: the bootstrap is the document's own, the payload what its §1.2 says. */
function agentCommand(): readonly string[] {
  const [, bootstrap = ''] = /```python\n(.*)\n```/.exec(PROTOCOL) ?? [];
  const files = Object.fromEntries(
    readdirSync(AGENT)
      .filter((name) => /^(agent|trainer)[a-z_]*\.py$/.test(name))
      .map((name) => [name, readFileSync(new URL(name, AGENT), 'utf8')]),
  );
  const payload = deflateSync(JSON.stringify(files)).toString('base64');
  return ['python3', '-c', bootstrap, payload];
}

interface Status {
  readonly bootId: string;
  readonly phase: string;
  readonly restarted: boolean;
  readonly logClosed: boolean;
}

async function startAgent(
  { call, emulator }: PodWorld,
  env: Readonly<Record<string, string>> = {},
) {
  const { id } = await runPod(call, agentCommand(), {
    ports: ['8000/http'],
    env: {
      AGENT_TOKEN_SHA256: createHash('sha256').update(TOKEN).digest('hex'),
      AGENT_REST_URL: `${emulator.url}/v2`,
      AGENT_GRAPHQL_URL: `${emulator.url}/graphql`,
      ...env,
    },
  });
  const ask = (method: string, path: string, body?: string, headers: object = {}) =>
    fetch(`${emulator.url}/__proxy/${id}/8000${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      ...(body !== undefined && { body }),
    });
  const status = async () => (await (await ask('GET', '/v1/status')).json()) as Status;
  await until('the agent listens', async () => (await ask('GET', '/health')).status === 200);
  return { id, ask, status };
}

type Agent = Awaited<ReturnType<typeof startAgent>>;

async function startToyJob({ ask }: Agent): Promise<void> {
  const rows = Array.from({ length: 40 }, (_, row) => ({
    text: `the quick brown fox ${row} jumps`,
  }));
  const dataset = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const uploaded = await ask('PUT', '/v1/files/t.jsonl', dataset, {
    'x-file-size': String(dataset.length),
    'x-file-sha256': createHash('sha256').update(dataset).digest('hex'),
  });
  expect(uploaded.status).toBe(201);
  const spec = {
    backend: 'toy',
    baseModel: 'tiny/one',
    dataset: { file: 't.jsonl' },
    maxSteps: 20,
  };
  const job = JSON.stringify({ spec, secrets: {}, files: ['t.jsonl'] });
  expect((await ask('PUT', '/v1/job', job)).status).toBe(201);
  expect((await ask('POST', '/v1/start')).status).toBe(202);
}

describe('the agent in a pod', () => {
  it('answers its owner through the proxy, and nobody else', async () => {
    const { ask } = await startAgent(await startPodWorld());
    expect(await (await ask('GET', '/health')).json()).toMatchObject({ ok: true });
    const stranger = await ask('GET', '/health', undefined, { authorization: 'Bearer wrong' });
    expect(stranger.status).toBe(401);
  });

  it('runs a job from upload to result, and ends its own pod when it is released', async () => {
    const world = await startPodWorld({ apiKey: 'test-key' });
    const agent = await startAgent(world);
    await startToyJob(agent);
    const events = await (await agent.ask('GET', '/v1/logs?after=0')).text();
    expect(events).toMatch(/"event\\":\\"end\\"/);
    expect(events.trimEnd()).toMatch(/event: end\ndata: .*$/);
    await until('the job has succeeded', async () => (await agent.status()).phase === 'SUCCEEDED');

    const manifest = (await (await agent.ask('GET', '/v1/results')).json()) as {
      files: { path: string; sizeBytes: number; sha256: string }[];
    };
    const adapter = manifest.files.find(({ path }) => path === 'adapter_model.safetensors');
    if (adapter === undefined) throw new Error('there is no adapter');
    const halves = await Promise.all(
      ['bytes=0-99', 'bytes=100-'].map(async (range) => {
        const part = await agent.ask('GET', `/v1/results/${adapter.path}`, undefined, { range });
        expect(part.status).toBe(206);
        return Buffer.from(await part.arrayBuffer());
      }),
    );
    const bytes = Buffer.concat(halves);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(adapter.sha256);

    const log = await openLog(world.emulator, agent.id, { query: '?source=container&tail=5000' });
    expect(linesOf(await log.take(2)).join('\n')).toMatch(/"x": ?"agent protocol 1/);
    expect((await agent.ask('POST', '/v1/release')).status).toBe(202);
    await until('the pod is gone', async () => {
      return (await recordOf(world.call, agent.id)).status === 'TERMINATED';
    });
    await untilGone(agent.id);
  });

  it('and its trainer end with the pod, though the trainer has a session of its own', async () => {
    const world = await startPodWorld({ stopGraceMs: 50 });
    const agent = await startAgent(world, { TOY_STEP_DELAY_MS: '1000' });
    await startToyJob(agent);
    await until('both run', async () => (await processesOf(agent.id)).length === 2);
    await world.call('DELETE', `/v2/pods/${agent.id}`);
    await untilGone(agent.id);
  });

  it('has another boot after its container restarted, and knows of the one before', async () => {
    const world = await startPodWorld();
    const { id, ask, status } = await startAgent(world);
    const before = await status();
    await addFault(world.call, { kind: 'restart', podId: id });
    const after = await until('it boots again', async () => {
      const answer = await ask('GET', '/v1/status');
      const seen = answer.ok ? ((await answer.json()) as Status) : before;
      return seen.bootId !== before.bootId && seen;
    });
    expect(after).toMatchObject({ phase: 'WAITING', restarted: true });
    expect((await readPod(world.call, id)).status).toBe('RUNNING');
  });
});
