/**
 * `npm run bench -- submit`: how long after a submission the create call reaches the platform, at the
 * median of many: the product promises that provisioning begins within a minute; the aim is a second.
 */
import process from 'node:process';
import { shareOf } from './figures.ts';
import { startWholeApp } from './whole-app.ts';
import type { WholeApp } from './whole-app.ts';

const SUBMISSIONS = 20;

export async function runSubmit(): Promise<void> {
  const app = await startWholeApp();
  try {
    const uploadId = await app.upload();
    const delays: number[] = [];
    for (let n = 0; n < SUBMISSIONS; n += 1) delays.push(await submitAndWait(app, uploadId));
    const at = (share: number) => shareOf(delays, share).toFixed(0);
    process.stdout.write(
      `submission to create call, ${SUBMISSIONS} jobs one after the other: median ${at(0.5)} ms, p95 ${at(0.95)} ms\n`,
    );
  } finally {
    await app.close();
  }
}

/** @returns milliseconds from sending the mutation to the pod's existence */
async function submitAndWait(app: WholeApp, uploadId: string): Promise<number> {
  const sentAt = Date.now();
  const id = await app.submit(uploadId);
  for (const deadline = sentAt + 60_000; Date.now() < deadline;) {
    const pods = (await (await fetch(`${app.emulatorUrl}/__emulator/pods`)).json()) as {
      name: string;
      createdAt: string;
    }[];
    const pod = pods.find(({ name }) => name.includes(id));
    if (pod !== undefined) {
      await app.cancel(id);
      return Date.parse(pod.createdAt) - sentAt;
    }
  }
  throw new Error('no pod was asked for within a minute');
}
