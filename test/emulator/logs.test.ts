import { describe, expect, it } from 'vitest';
import { createClock, createPod, startWithCall, until } from './client.ts';
import type { Call } from './client.ts';
import { linesOf, openLog } from './log-reader.ts';

async function write(call: Call, id: string, lines: string[], source = 'container'): Promise<void> {
  const answer = await call('POST', `/__emulator/pods/${id}/logs`, { body: { source, lines } });
  expect(answer.status).toBeLessThan(300);
}

const ONLY = '?source=container';

describe("a reader of a pod's log", () => {
  it('gets the headers of the contract, ids of timestamp and counter, and the line as JSON', async () => {
    const { emulator, call } = await startWithCall();
    const { id } = await createPod(call);
    await write(call, id, ['one']);
    const reader = await openLog(emulator, id, { query: ONLY });
    const { headers } = reader.response;
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(headers.get('cache-control')).toBe('no-cache');
    expect(headers.get('x-accel-buffering')).toBe('no');
    expect(headers.get('ratelimit')).not.toBeNull();
    const [event] = await reader.take(1);
    expect(event).toMatchObject({ source: 'container', line: 'one' });
    expect(event?.id).toMatch(new RegExp(`^${event?.ts ?? ''}/\\d{12}$`));
  });

  it('gets what was there and then what comes, each once and in order', async () => {
    const { emulator, call } = await startWithCall();
    const { id } = await createPod(call);
    await write(call, id, ['1', '2']);
    const reader = await openLog(emulator, id, { query: ONLY });
    expect(linesOf(await reader.take(2))).toEqual(['1', '2']);
    await write(call, id, ['3', '4']);
    expect(linesOf(await reader.take(2))).toEqual(['3', '4']);
  });

  it('that resumes after line 2 gets line 3 next, once, whatever tail and since say', async () => {
    const { emulator, call } = await startWithCall();
    const { id } = await createPod(call);
    await write(call, id, ['1', '2', '3', '4']);
    const [, second] = await (await openLog(emulator, id, { query: ONLY })).take(2);
    const resumed = await openLog(emulator, id, {
      query: `${ONLY}&tail=0&since=2000-01-01T00:00:00Z`,
      lastEventId: second?.id ?? '',
    });
    await write(call, id, ['5']);
    expect(linesOf(await resumed.take(3))).toEqual(['3', '4', '5']);
  });

  it('resumes exactly within lines of the same instant', async () => {
    const clock = createClock();
    const { emulator, call } = await startWithCall({ now: clock.now });
    const { id } = await createPod(call);
    const lines = Array.from({ length: 12 }, (_, index) => `line ${index}`);
    await write(call, id, lines);
    const events = await (await openLog(emulator, id, { query: ONLY })).take(12);
    expect(new Set(events.map(({ ts }) => ts)).size).toBe(1);
    const resumed = await openLog(emulator, id, { query: ONLY, lastEventId: events[8]?.id ?? '' });
    expect(linesOf(await resumed.take(3))).toEqual(lines.slice(9));
  });

  it('gets the last lines that tail asks for, a hundred without, none for 0', async () => {
    const { emulator, call } = await startWithCall();
    const { id } = await createPod(call);
    const lines = Array.from({ length: 150 }, (_, index) => `line ${index}`);
    await write(call, id, lines);
    const byDefault = await openLog(emulator, id, { query: ONLY });
    expect(linesOf(await byDefault.take(100))).toEqual(lines.slice(50));
    const three = await openLog(emulator, id, { query: `${ONLY}&tail=3` });
    expect(linesOf(await three.take(3))).toEqual(lines.slice(147));
    const live = await openLog(emulator, id, { query: `${ONLY}&tail=0` });
    await write(call, id, ['new']);
    expect(linesOf(await live.take(1))).toEqual(['new']);
  });

  it('is refused a tail beyond 5000 and a since that is no instant', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call);
    expect((await call('GET', `/v2/pods/${id}/logs?tail=5001`)).status).toBe(422);
    expect((await call('GET', `/v2/pods/${id}/logs?since=yesterday`)).status).toBe(422);
    expect((await call('GET', `/v2/pods/${id}/logs?source=kernel`)).status).toBe(422);
  });

  it('gets what was written since an instant, that one included', async () => {
    const clock = createClock();
    const { emulator, call } = await startWithCall({ now: clock.now });
    const { id } = await createPod(call);
    await write(call, id, ['early']);
    clock.advance(1_000);
    await write(call, id, ['then']);
    clock.advance(1_000);
    await write(call, id, ['later']);
    const since = new Date(clock.now() - 1_000).toISOString();
    const reader = await openLog(emulator, id, { query: `${ONLY}&since=${since}` });
    expect(linesOf(await reader.take(2))).toEqual(['then', 'later']);
  });

  it('finds the boot of the pod in the system log, and it alone there', async () => {
    const { emulator, call } = await startWithCall({ provisioningMs: 20, startingMs: 20 });
    const { id } = await createPod(call);
    await write(call, id, ['mine']);
    const reader = await openLog(emulator, id, { query: '?source=system' });
    const events = await reader.take(3);
    expect(events.every(({ source }) => source === 'system')).toBe(true);
    expect(linesOf(events).join('\n')).toMatch(
      /create container runpod\/pytorch:1[\s\S]*start container/,
    );
  });

  it('gets comments while nothing is written', async () => {
    const { emulator, call } = await startWithCall({ heartbeatMs: 5 });
    const { id } = await createPod(call);
    const reader = await openLog(emulator, id, { query: `${ONLY}&tail=0` });
    const next = reader.take(1);
    await until(
      () => reader.comments(),
      (count) => count >= 3,
    );
    await write(call, id, ['at last']);
    expect(linesOf(await next)).toEqual(['at last']);
  });

  it('gets 404 for a pod that is over or never was', async () => {
    const { call } = await startWithCall();
    const { id } = await createPod(call);
    await call('DELETE', `/v2/pods/${id}`);
    expect((await call('GET', `/v2/pods/${id}/logs`)).status).toBe(404);
    expect((await call('GET', '/v2/pods/none/logs')).status).toBe(404);
  });

  it('gets the newest 5000 lines of a longer log', async () => {
    const { emulator, call } = await startWithCall();
    const { id } = await createPod(call);
    const lines = Array.from({ length: 5_100 }, (_, index) => String(index));
    await write(call, id, lines);
    const reader = await openLog(emulator, id, { query: `${ONLY}&since=2000-01-01T00:00:00Z` });
    expect(linesOf(await reader.take(5_000))).toEqual(lines.slice(100));
  });

  it('does not hold up the end of the emulator', async () => {
    const { emulator, call } = await startWithCall();
    const { id } = await createPod(call);
    const reader = await openLog(emulator, id, { query: `${ONLY}&tail=0` });
    await emulator.close();
    expect(await reader.take(1)).toEqual([]);
  });
});
