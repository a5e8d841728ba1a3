/** A pod that no server of ours asked for, created as anybody with the key could. */
import { expect } from 'vitest';

/** It does nothing, for ever. @returns its id */
export async function createPodByHand(emulatorUrl: string, name: string): Promise<string> {
  for (const gpuId of ['NVIDIA L4', 'NVIDIA RTX A4000', 'NVIDIA A40', 'NVIDIA GeForce RTX 4090']) {
    const response = await fetch(`${emulatorUrl}/v2/pods`, {
      method: 'POST',
      // Faults are for this call too.
      signal: AbortSignal.timeout(2_000),
      headers: { authorization: 'Bearer any', 'content-type': 'application/json' },
      body: JSON.stringify({
        name,
        image: 'some/image',
        gpu: { id: gpuId, count: 1 },
        cmd: ['sleep', '600'],
        ports: ['8000/http'],
      }),
    });
    const answer = (await response.json()) as { id: string };
    if (response.status === 201) return answer.id;
    // Sold out with this seed: another will do.
    expect(response.status, JSON.stringify(answer)).toBe(400);
  }
  throw new Error('the emulator has no machine for a pod');
}
