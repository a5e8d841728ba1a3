import { describe, expect, test } from 'vitest';
import type { Planner } from '../../examples/supergraph/gateway.ts';
import { connectClient, numbered, readLogs } from '../support/follow.ts';
import { startFollowed } from '../support/followed.ts';
import { until } from '../support/until.ts';
import { behindGateway, IS_MISSING, supergraphOf } from './start-supergraph.ts';

describe.skipIf(IS_MISSING).each<Planner>(['js', 'rust'])(behindGateway('%s'), (planner) => {
  const supergraph = supergraphOf({ planner });

  test('a WebSocket client gets every line, and how the stream ends', async () => {
    const { url, job, write, end } = await startFollowed();
    supergraph.runpod().point(url);
    await write(1, 50);
    const reading = readLogs(connectClient(supergraph.url()), { jobId: job.id });
    await until('the first lines', () => reading.lines().length === 50);
    await write(51, 50);
    await end('the end');
    await reading.done;
    expect(reading.lines()).toEqual([...numbered(1, 100), 'the end']);
    expect(reading.events.at(-1)).toMatchObject({ reason: 'JOB_ENDED', retry: false });
  });
});
