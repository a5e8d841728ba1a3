import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createEmulator } from '../../src/emulator/emulator.ts';
import { callerOf, createClock, createPod, podRecords, readPod, startEmulator } from './client.ts';

const HOUR_MS = 3_600_000;

describe('an emulator with a state directory', () => {
  function temporaryFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'emulator-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
    });
    return folder;
  }

  it('has the same pods after a restart, ended ones included, and goes on charging', async () => {
    const clock = createClock();
    const options = { stateDir: join(temporaryFolder(), 'new'), now: clock.now };
    const before = await createEmulator({ ...options, provisioningMs: 0, startingMs: 0 });
    const kept = await createPod(callerOf(before), { env: { A: 'b' } });
    const ended = await createPod(callerOf(before));
    await callerOf(before)('DELETE', `/v2/pods/${ended.id}`);
    await before.close();
    clock.advance(HOUR_MS);
    const call = callerOf(await startEmulator(options));
    expect((await readPod(call, kept.id)).env).toEqual(kept.env);
    const [first, second] = await podRecords(call);
    expect(first?.usdAccrued).toBeCloseTo(0.74);
    expect(second).toMatchObject({ id: ended.id, status: 'TERMINATED' });
  });

  it('does not start from a file it cannot read, and names it', async () => {
    const stateDir = temporaryFolder();
    const first = await createEmulator({ stateDir });
    await createPod(callerOf(first));
    await first.close();
    const [file = ''] = readdirSync(stateDir);
    writeFileSync(join(stateDir, file), '{"half');
    await expect(createEmulator({ stateDir })).rejects.toThrow(join(stateDir, file));
  });
});
