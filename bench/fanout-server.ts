/** One way of fanning out, in a process of its own. Readers acknowledge a batch when all have it. */
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { z } from 'zod';
import type { NewLogLine } from '../src/domain/job/log-line.ts';
import { startVariant, VARIANTS } from './fanout-variants.ts';

const orderSchema = z.discriminatedUnion('kind', [
  /** Batch after batch, the next when all have the last. */
  z.object({ kind: z.literal('closed'), lines: z.int(), ms: z.int() }),
  /** So many a second, whoever has what. */
  z.object({ kind: z.literal('paced'), lines: z.int(), batches: z.int(), perSecond: z.int() }),
  /** As fast as it goes, with long lines. */
  z.object({
    kind: z.literal('fill'),
    lines: z.int(),
    textBytes: z.int(),
    batches: z.int(),
  }),
  z.object({ kind: z.literal('memory') }),
  /** Where each job's log ends. */
  z.object({ kind: z.literal('ends') }),
]);
type Order = z.infer<typeof orderSchema>;

const MIN_BATCHES = 2;

const [name, dataDir = '', routerUrl, secret = ''] = process.argv.slice(2);
const known = VARIANTS.find((each) => each === name);
if (known === undefined) throw new Error(`unknown variant ${JSON.stringify(name)}`);
process.on('disconnect', () => process.exit(0));
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const variant = await startVariant(
  known,
  dataDir,
  routerUrl === undefined ? undefined : { urls: [routerUrl], secret },
);
let onAcknowledged: (() => void) | undefined;
const control = createServer((socket) => {
  socket.on('data', () => onAcknowledged?.());
});
const server = createHttpServer((request, response) => {
  variant.request?.(request, response);
});
server.on('upgrade', (request, socket, head) => {
  socket.on('error', () => socket.destroy());
  variant.upgrade(request, socket, head);
});
process.on('message', (message) => {
  void answer(orderSchema.parse(message)).then((reply) => process.send?.(reply));
});
process.send?.({
  port: await listen(server),
  controlPort: await listen(control),
  jobIds: variant.jobIds,
});

async function answer(order: Order): Promise<object> {
  switch (order.kind) {
    case 'closed':
      return closed(order.lines, order.ms);
    case 'paced':
      return paced(order.lines, order.batches, order.perSecond);
    case 'fill':
      return fill(order.lines, order.textBytes, order.batches);
    case 'ends':
      return { ends: variant.jobIds.map((id) => variant.endOf?.(id) ?? null) };
    case 'memory':
      for (let round = 0; round < 4; round += 1) {
        collectGarbage();
        await pause(50);
      }
      return { rssBytes: process.memoryUsage.rss() };
  }
}

async function closed(lines: number, ms: number): Promise<object> {
  const startedAt = performance.now();
  let batches = 0;
  let spentMs = 0;
  let cpuMicros = 0;
  const loop = monitorEventLoopDelay({ resolution: 1 });
  while (batches < MIN_BATCHES || performance.now() - startedAt < ms) {
    const batch = linesOf(lines);
    const acknowledged = new Promise<void>((resolve) => (onAcknowledged = resolve));
    await variant.write?.(batch);
    const sentAt = performance.now();
    const before = process.cpuUsage();
    loop.enable();
    variant.send(batch);
    await acknowledged;
    spentMs += performance.now() - sentAt;
    const { user, system } = process.cpuUsage(before);
    cpuMicros += user + system;
    // A delay is noted when it is over.
    await pause(2);
    loop.disable();
    batches += 1;
  }
  return {
    batches,
    seconds: spentMs / 1_000,
    cpuSeconds: cpuMicros / 1e6,
    waitMs: loop.percentile(99) / 1e6,
  };
}

async function paced(lines: number, batches: number, perSecond: number): Promise<object> {
  const startedAt = performance.now();
  for (let batch = 0; batch < batches; batch += 1) {
    await pause(Math.max(0, startedAt + (batch * 1_000) / perSecond - performance.now()));
    const sent = linesOf(lines);
    await variant.write?.(sent);
    variant.send(sent);
  }
  return {};
}

async function fill(lines: number, textBytes: number, batches: number): Promise<object> {
  const padding = 'x'.repeat(textBytes);
  for (let batch = 0; batch < batches; batch += 1) {
    const sent = linesOf(lines).map((line) => ({ ...line, text: `${line.text}${padding}` }));
    await variant.write?.(sent);
    variant.send(sent);
    // It reaches who reads before the next comes.
    await pause(10);
  }
  return {};
}

function linesOf(count: number): NewLogLine[] {
  // The clock both processes see.
  const sentAt = process.hrtime.bigint() / 1_000n;
  return Array.from({ length: count }, (_, index) => ({
    at: Date.now(),
    source: 'STDOUT',
    attempt: 1,
    text: `T=${sentAt} {"step": ${1_000 + index}, "loss": 1.2345, "grad_norm": 0.8123, "learning_rate": 0.00019}`,
  }));
}

function listen(on: Server): Promise<number> {
  return new Promise((resolve) => {
    on.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
      resolve((on.address() as AddressInfo).port);
    });
  });
}
