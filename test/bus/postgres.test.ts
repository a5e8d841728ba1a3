/** Wake-ups between servers on one PostgreSQL. */
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPostgresBus } from '../../src/bus/postgres.ts';
import { freshPostgres, hasPostgres, POSTGRES_MISSING } from '../support/postgres.ts';
import { until } from '../support/until.ts';

async function startBus(url: string) {
  let connections = 0;
  const bus = createPostgresBus({ url, onListening: () => (connections += 1) });
  onTestFinished(() => bus.close());
  await until('it listens', () => connections > 0);
  return { bus, connections: () => connections };
}

function count(bus: { subscribe: (id: string, wake: () => void) => () => void }, jobId: string) {
  const seen = { wakes: 0 };
  const leave = bus.subscribe(jobId, () => (seen.wakes += 1));
  return Object.assign(seen, { leave });
}

async function asAdmin<Row extends object>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const cutAll = (url: string) =>
  asAdmin(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'runpod-subgraph bus'`,
  );

describe.skipIf(!hasPostgres)(`a bus on PostgreSQL${POSTGRES_MISSING}`, () => {
  it('wakes readers of the job on every server, and nobody else', async () => {
    const url = await freshPostgres();
    const [one, other] = [await startBus(url), await startBus(url)];
    const [here, there, stranger] = [
      count(one.bus, 'job1'),
      count(other.bus, 'job1'),
      count(other.bus, 'job2'),
    ];
    one.bus.publish('job1');
    await until('both are woken', () => here.wakes > 0 && there.wakes > 0);
    expect(stranger.wakes).toBe(0);
    there.leave();
    const before = there.wakes;
    one.bus.publish('job1');
    await until('the one that stayed is woken', () => here.wakes > 1);
    expect(there.wakes).toBe(before);
  });

  it('sends a burst of changes as a few wake-ups', async () => {
    const url = await freshPostgres();
    const [one, other] = [await startBus(url), await startBus(url)];
    const there = count(other.bus, 'job1');
    const last = count(other.bus, 'job2');
    for (let times = 0; times < 10_000; times += 1) one.bus.publish('job1');
    one.bus.publish('job2');
    await until('it is there', () => last.wakes > 0);
    expect(there.wakes).toBeGreaterThan(0);
    expect(there.wakes).toBeLessThanOrEqual(2);
  });

  it('that lost its connection wakes everybody when it is back, and then goes on', async () => {
    const url = await freshPostgres();
    const [one, other] = [await startBus(url), await startBus(url)];
    const [here, there] = [count(one.bus, 'job1'), count(other.bus, 'job1')];
    await cutAll(url);
    // Its own readers need no connection.
    one.bus.publish('job1');
    await until('both are woken', () => here.wakes > 0 && there.wakes > 0);
    await until('both are back', () => one.connections() > 1 && other.connections() > 1);
    const before = there.wakes;
    one.bus.publish('job1');
    await until('it goes on', () => there.wakes > before);
  });

  it('that never reaches its database can be used and closed all the same', async () => {
    const bus = createPostgresBus({ url: 'postgres://nobody@127.0.0.1:9/none' });
    const here = count(bus, 'job1');
    bus.publish('job1');
    await until('its own reader is woken', () => here.wakes > 0);
    await bus.close();
  });
});
