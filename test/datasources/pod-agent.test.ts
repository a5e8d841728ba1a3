import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentCommand, agentEnv } from '../../src/datasources/agent-payload.ts';
import type { AgentJob, AgentLine, PodAgent } from '../../src/datasources/pod-agent.ts';
import { createRandom } from '../../src/emulator/random.ts';
import { cutProxy, readAll, seededBytes, startAgent, uploadOf } from '../support/agent-process.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const ROWS = Buffer.from(
  Array.from({ length: 20 }, (_, row) => `{"text":"row ${row} of the dataset"}\n`).join(''),
);
const JOB: AgentJob = {
  spec: {
    backend: 'toy',
    baseModel: 'a/b',
    dataset: { file: 'rows.jsonl' },
    maxSteps: 12,
    rank: 2,
  },
  secrets: { HF_TOKEN: 'hf_a_secret_of_the_test' },
  files: ['rows.jsonl'],
  requirements: null,
};

/** Waits for the trainer's end, and says how it was. */
function ended(agent: PodAgent) {
  return until('the trainer ends', async () => {
    const status = await agent.status(signal);
    return status.logClosed ? status : null;
  });
}

test.each(['toy', 'trl', 'unsloth'] as const)(
  "a %s pod's command is the protocol's, and well below 60 KB",
  (backend) => {
    const command = agentCommand(backend);
    const protocol = readFileSync('agent/PROTOCOL.md', 'utf8');
    const [, bootstrap] = /```python\n(.*)\n```/.exec(protocol) ?? [];
    expect(command.slice(0, 3)).toEqual(['python3', '-c', bootstrap]);
    expect(command.join(' ').length).toBeLessThan(55_000);
    expect(agentCommand(backend)).toBe(command);
  },
);

test("the pod's environment has the token's SHA-256 and never the token", () => {
  const env = agentEnv({
    token: 'the-token',
    maxRuntimeSeconds: 60,
    uploadGraceSeconds: 5,
    resultGraceSeconds: 6,
    extra: { AGENT_PORT: '1' },
  });
  expect(env).toEqual({
    AGENT_TOKEN_SHA256: createHash('sha256').update('the-token').digest('hex'),
    AGENT_MAX_RUNTIME_SECONDS: '60',
    AGENT_UPLOAD_GRACE_SECONDS: '5',
    AGENT_RESULT_GRACE_SECONDS: '6',
    AGENT_PORT: '1',
  });
});

test('an owner hands a job over, follows its lines without gaps and sees its results', async () => {
  const agent = (await startAgent()).client();
  await agent.putJob(JOB, signal);
  await agent.putJob(JOB, signal);
  await expect(agent.putJob({ ...JOB, files: [] }, signal)).rejects.toMatchObject({
    code: 'POD_REFUSED',
    reason: 'JOB_DIFFERS',
  });
  await expect(agent.start(signal)).rejects.toMatchObject({ reason: 'FILES_MISSING' });
  await agent.putFile('rows.jsonl', uploadOf(ROWS), signal);
  await agent.start(signal);
  await agent.start(signal);
  const status = await ended(agent);
  expect(status).toMatchObject({ phase: 'SUCCEEDED', exitCode: 0, failure: null, step: 12 });

  const lines: AgentLine[] = [];
  for (;;) {
    const page = await agent.lines(status.bootId, lines.length, 7, signal);
    lines.push(...page.lines);
    if (page.next === page.lastLine) break;
  }
  expect(lines.map(({ n }) => n)).toEqual(Array.from(lines, (_, index) => index + 1));
  expect(lines).toHaveLength(status.lastLine);
  expect(lines.filter(({ text }) => text.startsWith('@metric')).length).toBeGreaterThan(12);

  const manifest = await agent.results(signal);
  expect(manifest).toMatchObject({ bootId: status.bootId, isFinal: true, pending: 0 });
  for (const { path, sizeBytes, sha256 } of manifest.files) {
    const bytes = await readAll(agent.readResult(path, { from: 0, to: sizeBytes - 1 }, signal));
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  }
  await agent.release(signal);
  expect((await agent.status(signal)).ending).toMatchObject({ reason: 'RELEASED' });
});

test('an upload that is cut again and again arrives whole, each time from where it was', async () => {
  const { baseUrl, client, folder } = await startAgent();
  const bytes = seededBytes(1, 1_500_000);
  const random = createRandom(1);
  const limits = [1, 120, 300, ...Array.from({ length: 40 }, () => Math.floor(random() * 200_000))];
  const proxy = await cutProxy(baseUrl, {
    direction: 'up',
    cutAfterBytes: () => limits.shift() ?? null,
  });
  await client({ baseUrl: proxy.url, partBytes: 400_000 }).putFile(
    'd.bin',
    uploadOf(bytes),
    signal,
  );
  expect(proxy.cuts()).toBeGreaterThanOrEqual(10);
  const { bootId } = await client().status(signal);
  const kept = readFileSync(join(folder, 'pod-unknown/boots', bootId, 'files/d.bin'));
  expect(kept.equals(bytes)).toBe(true);
});

test('an owner sends the same file again, an empty one, and hears of another under its name', async () => {
  const agent = (await startAgent()).client({ partBytes: 1_000 });
  const bytes = seededBytes(2, 2_500);
  await agent.putFile('a.bin', uploadOf(bytes), signal);
  await agent.putFile('a.bin', uploadOf(bytes), signal);
  await agent.putFile('empty.bin', uploadOf(Buffer.alloc(0)), signal);
  await expect(agent.putFile('a.bin', uploadOf(seededBytes(3, 9)), signal)).rejects.toMatchObject({
    code: 'POD_REFUSED',
    reason: 'FILE_DIFFERS',
  });
});

test('an upload that is not what its sha256 says, or too short, is refused and can begin anew', async () => {
  const agent = (await startAgent()).client({ partBytes: 1_000 });
  const right = uploadOf(seededBytes(4, 2_500));
  const wrong = { ...uploadOf(seededBytes(5, 2_500)), sha256: right.sha256 };
  await expect(agent.putFile('a.bin', wrong, signal)).rejects.toMatchObject({
    code: 'POD_REFUSED',
    reason: 'SHA256_MISMATCH',
  });
  const short = { ...right, read: (at: number) => uploadOf(seededBytes(4, 1_700)).read(at) };
  await expect(agent.putFile('a.bin', short, signal)).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
  await agent.putFile('a.bin', right, signal);
});

test('an owner stops a running job', async () => {
  const agent = (await startAgent({ env: { TOY_STEP_DELAY_MS: '20' } })).client();
  await agent.putJob({ ...JOB, spec: { ...JOB.spec, maxSteps: 5_000 } }, signal);
  await agent.putFile('rows.jsonl', uploadOf(ROWS), signal);
  await expect(agent.stop(5, signal)).rejects.toMatchObject({ reason: 'NOT_STARTED' });
  await agent.start(signal);
  await until('it trains', async () => ((await agent.status(signal)).step ?? 0) > 2);
  await agent.stop(10, signal);
  expect(await ended(agent)).toMatchObject({ phase: 'FAILED', failure: { code: 'STOPPED' } });
});

test('an owner still reads the lines and results of the boot before a restart', async () => {
  const first = await startAgent();
  const agent = first.client();
  await agent.putJob(JOB, signal);
  await agent.putFile('rows.jsonl', uploadOf(ROWS), signal);
  await agent.start(signal);
  const { bootId, lastLine } = await ended(agent);
  const before = await agent.results(signal);
  await first.stop();

  const again = (await startAgent({ folder: first.folder })).client();
  expect(await again.status(signal)).toMatchObject({
    restarted: true,
    phase: 'WAITING',
    previousBoot: { bootId, phase: 'SUCCEEDED', exitCode: 0, lastLine },
  });
  expect((await again.lines(bootId, 0, 10_000, signal)).next).toBe(lastLine);
  expect(await again.results(signal, bootId)).toEqual(before);
  // What it is asked to spare changes nothing of what it lists.
  expect(await again.results(signal, bootId, 20)).toEqual(before);
});

test('a wrong token is told as a refusal, without the token', async () => {
  const { client } = await startAgent();
  const agent = client({ token: 'not-the-token-of-this-pod' });
  const error: unknown = await agent.status(signal).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'POD_REFUSED', reason: 'UNAUTHORIZED', retryable: false });
  expect(String(error)).not.toContain('not-the-token');
});

test('a reader of another boot, or beyond the last line, is refused', async () => {
  const agent = (await startAgent()).client();
  const { bootId } = await agent.status(signal);
  await expect(agent.lines('0'.repeat(16), 0, 10, signal)).rejects.toMatchObject({
    code: 'POD_REFUSED',
    reason: 'UNKNOWN_BOOT',
  });
  await expect(agent.lines(bootId, 999, 10, signal)).rejects.toMatchObject({
    code: 'POD_REFUSED',
    reason: 'BEYOND_END',
  });
});

test('a pod that is gone cannot be reached, which may pass', async () => {
  const { client, stop } = await startAgent();
  await stop();
  await expect(client().status(signal)).rejects.toMatchObject({
    code: 'POD_UNREACHABLE',
    retryable: true,
  });
});
