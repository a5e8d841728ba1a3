import { expect, test } from 'vitest';
import { createTurns } from '../../src/http/turns.ts';

const WORKERS = 60;

function workFor(ms: number): void {
  const endsAt = performance.now() + ms;
  while (performance.now() < endsAt);
}

/** As work does it whose store answers at once: only promises in between. */
async function work(turns: ReturnType<typeof createTurns>, done: () => void): Promise<void> {
  await turns.enter();
  for (let step = 0; step < 5; step += 1) await Promise.resolve();
  workFor(1);
  done();
}

test('whoever has work to do, the event loop goes round in between, and all have their turn in order', async () => {
  const turns = createTurns();
  const order: number[] = [];
  let rounds = 0;
  let isOver = false;
  const count = () => {
    rounds += 1;
    if (!isOver) setTimeout(count, 0);
  };
  setTimeout(count, 0);
  await Promise.all(
    Array.from({ length: WORKERS }, (_, worker) =>
      work(turns, () => {
        order.push(worker);
      }),
    ),
  );
  isOver = true;
  expect(order).toEqual(Array.from({ length: WORKERS }, (_, worker) => worker));
  expect(rounds).toBeGreaterThan(5);
});

test('one alone never waits', async () => {
  const turns = createTurns();
  for (let time = 0; time < 3; time += 1) {
    expect(turns.enter()).toBeUndefined();
    expect(turns.goOn()).toBeUndefined();
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('who works on and on lets the others go first', async () => {
  const turns = createTurns();
  const order: string[] = [];
  const long = (async () => {
    for (let part = 0; part < 10; part += 1) {
      workFor(3);
      await turns.goOn();
    }
    order.push('long');
  })();
  await turns.enter();
  order.push('short');
  await long;
  expect(order).toEqual(['short', 'long']);
});
