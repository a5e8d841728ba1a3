/** The agent's event stream, from the real agent and from those who take its place. */
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { createPodAgent } from '../../src/datasources/pod-agent.ts';
import type { AgentLine, AgentStreamEvent, PodAgent } from '../../src/datasources/pod-agent.ts';
import { startAgent, startImpostor } from '../support/agent-process.ts';
import { until } from '../support/until.ts';

const BOOT = '0123456789abcdef';
const { signal } = new AbortController();
const line = (n: number, more: object = {}) => ({ n, t: 1, s: 'stdout', x: `line ${n}`, ...more });
const frame = (record: unknown, id = '') => `${id}data: ${JSON.stringify(record)}\n\n`;
const end = (lastLine: number) => `event: end\n${frame({ bootId: BOOT, lastLine })}`;

async function streamOf(answer: (response: ServerResponse) => void, silenceMs = 5_000) {
  const baseUrl = await startImpostor((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    answer(response);
  });
  return createPodAgent({ baseUrl, token: 'token', silenceMs });
}

async function readAll(agent: PodAgent, bootId = BOOT, after = 0) {
  const lines: AgentLine[] = [];
  let last: AgentStreamEvent | null = null;
  for await (const event of agent.stream(bootId, after, signal)) {
    if (event.kind === 'lines') lines.push(...event.lines);
    else last = event;
  }
  return { numbers: lines.map(({ n }) => n), lines, last };
}

test('an owner follows lines as they are written, from any line on, to the end', async () => {
  const trained = (await startAgent()).client();
  const { bootId } = await trained.status(signal);
  await trained.putJob({ spec: {}, secrets: {}, files: [], requirements: null }, signal);
  await trained.start(signal);
  const all = await readAll(trained, bootId);
  expect(all.numbers).toEqual(all.lines.map((_line, index) => index + 1));
  expect(all.last).toEqual({ kind: 'end', lastLine: all.numbers.length });
  const rest = await readAll(trained, bootId, 2);
  expect(rest.lines).toEqual(all.lines.slice(2));
});

test('a stream that the agent ends before the proxy would is to be opened again', async () => {
  const env = { AGENT_STREAM_SECONDS: '0.2', AGENT_HEARTBEAT_SECONDS: '0.05' };
  const agent = (await startAgent({ env })).client();
  const { bootId } = await agent.status(signal);
  expect((await readAll(agent, bootId)).last).toEqual({ kind: 'reopen' });
});

test('a stream of a boot that is not known is refused', async () => {
  const agent = (await startAgent()).client();
  await expect(readAll(agent)).rejects.toMatchObject({ reason: 'UNKNOWN_BOOT' });
});

test('a stream in the smallest pieces is the same stream', async () => {
  const agent = await streamOf((response) => {
    const bytes = Buffer.from(
      `retry: 1000\n\n:\n\n${frame(line(1, { x: '🙂é\u001b' }), 'id: a:1\n')}${end(1)}`,
    );
    for (const byte of bytes) response.write(Buffer.from([byte]));
    response.end();
  });
  const { lines, last } = await readAll(agent);
  expect(lines).toEqual([{ n: 1, at: 1, stream: 'stdout', text: '🙂é\u001b' }]);
  expect(last).toEqual({ kind: 'end', lastLine: 1 });
});

test.each([
  ['a gap', frame(line(1)) + frame(line(3))],
  ['a line twice', frame(line(1)) + frame(line(1))],
  ['another beginning', frame(line(7))],
  ['an end elsewhere', frame(line(1)) + end(5)],
  ['what is no JSON', 'data: {\n\n'],
  ['a text beyond the bound', frame(line(1, { x: 'x'.repeat(65_537) }))],
  ['a line without end', `data: ${'x'.repeat(2_000_000)}`],
  ['numbers that are none', frame(line(1, { n: '1' }))],
])('a stream with %s is not trusted', async (_what, body) => {
  const agent = await streamOf((response) => response.end(body));
  await expect(readAll(agent)).rejects.toMatchObject({ code: 'POD_UNTRUSTED' });
});

test('a stream that is cut gives what came, and is told as cut', async () => {
  const agent = await streamOf((response) => {
    response.write(frame(line(1)), () => response.destroy());
  });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of agent.stream(BOOT, 0, signal)) {
      if (event.kind === 'lines') seen.push(...event.lines.map(({ n }) => n));
    }
  })();
  await expect(reading).rejects.toMatchObject({ code: 'POD_UNREACHABLE', retryable: true });
  expect(seen).toEqual([1]);
});

test('a stream that falls silent is dead, also after a first line', async () => {
  const agent = await streamOf((response) => response.write(frame(line(1))), 100);
  await expect(readAll(agent)).rejects.toThrow('fell silent');
});

test('a reader that leaves frees the connection', async () => {
  let isClosed = false;
  const agent = await streamOf((response) => {
    response.write(frame(line(1)));
    response.on('close', () => (isClosed = true));
  });
  for await (const event of agent.stream(BOOT, 0, signal)) if (event.kind === 'lines') break;
  await until('the connection is closed', () => isClosed);
});

test('what is no event stream is not our agent', async () => {
  const baseUrl = await startImpostor((_request, response) => response.end('<html>'));
  const agent = createPodAgent({ baseUrl, token: 'token' });
  await expect(readAll(agent)).rejects.toMatchObject({ code: 'POD_UNREACHABLE' });
});
