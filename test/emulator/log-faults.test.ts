import { describe, expect, it } from 'vitest';
import { addFault, createPod, startWithCall } from './client.ts';
import { linesOf, openLog } from './log-reader.ts';

describe('a reader of a log under a fault', () => {
  async function startWithLines(lines: readonly string[]) {
    const { emulator, call } = await startWithCall();
    const { id } = await createPod(call);
    await call('POST', `/__emulator/pods/${id}/logs`, { body: { lines } });
    return { call, open: () => openLog(emulator, id, { query: '?source=container' }) };
  }

  it('sse-cut: loses the stream after those lines', async () => {
    const { call, open } = await startWithLines(['1', '2', '3', '4']);
    await addFault(call, { kind: 'sse-cut', afterLines: 2 });
    expect(linesOf(await (await open()).take(4))).toEqual(['1', '2']);
  });

  it('sse-duplicate: gets every second line twice', async () => {
    const { call, open } = await startWithLines(['1', '2', '3', '4']);
    await addFault(call, { kind: 'sse-duplicate', every: 2 });
    expect(linesOf(await (await open()).take(6))).toEqual(['1', '2', '2', '3', '4', '4']);
  });

  it('sse-drop: never gets every second line', async () => {
    const { call, open } = await startWithLines(['1', '2', '3', '4', '5']);
    await addFault(call, { kind: 'sse-drop', every: 2 });
    expect(linesOf(await (await open()).take(3))).toEqual(['1', '3', '5']);
  });
});
