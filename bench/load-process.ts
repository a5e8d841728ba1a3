/** The load, in a process of its own: one order, one measurement. */
import autocannon from 'autocannon';
import { z } from 'zod';

const orderSchema = z.object({
  url: z.url(),
  body: z.string(),
  connections: z.int(),
  seconds: z.int(),
});

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => void run(orderSchema.parse(message)));

async function run({ url, body, connections, seconds }: z.infer<typeof orderSchema>) {
  const result = await autocannon({
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body,
    connections,
    duration: seconds,
    timeout: 10,
  });
  process.send?.({
    answers: result['2xx'],
    failures: result.errors + result.timeouts + result.non2xx,
    seconds: result.duration,
    p99Ms: result.latency.p99,
  });
}
