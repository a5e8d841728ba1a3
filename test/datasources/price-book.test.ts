import { expect, test } from 'vitest';
import { createPriceBook } from '../../src/datasources/price-book.ts';
import type { Urgency } from '../../src/datasources/platform.ts';
import { AppError } from '../../src/errors.ts';

const OFFER = { gpuCount: 1, cloud: 'SECURE' } as const;

function start(answer: (urgency: Urgency) => Promise<never[]>) {
  let clock = 0;
  const asked: Urgency[] = [];
  const book = createPriceBook({
    freshMs: 1_000,
    maxAgeMs: 10_000,
    now: () => clock,
    platform: {
      catalogue: (_offer, options) => {
        asked.push(options?.urgency ?? 'interactive');
        return answer(options?.urgency ?? 'interactive');
      },
      spotPrices: () => Promise.resolve(null),
    },
  });
  return { book, asked, later: (ms: number) => (clock += ms) };
}

test('a refresh that yields to more urgent calls leaves prices as they are and locks nobody out', async () => {
  const yielding = new AppError('PLATFORM_RATE_LIMITED', 'later', {
    retryAfterSeconds: 30_000,
    isDeferred: true,
  });
  const { book, asked, later } = start((urgency) =>
    urgency === 'background' ? Promise.reject(yielding) : Promise.resolve([]),
  );
  const [first] = await book.load([OFFER]);
  later(1_500);
  expect(book.peek(OFFER)).toBe(first);
  await book.close();
  expect(book.peek(OFFER)).toBe(first);
  later(10_000);
  const [again] = await book.load([OFFER]);
  expect(again).not.toBeInstanceOf(AppError);
  expect(asked).toEqual(['interactive', 'background', 'interactive']);
});

test('an asker whose price expires while a refresh yields is asked for', async () => {
  const yielding = new AppError('PLATFORM_RATE_LIMITED', 'later', { isDeferred: true });
  const { book, asked, later } = start((urgency) =>
    urgency === 'background' ? Promise.reject(yielding) : Promise.resolve([]),
  );
  await book.load([OFFER]);
  later(9_900);
  book.peek(OFFER);
  later(200);
  expect((await book.load([OFFER]))[0]).not.toBeInstanceOf(AppError);
  expect(asked).toEqual(['interactive', 'background', 'interactive']);
  await book.close();
});

test('a platform that throws where it should reject is a failure like any other', async () => {
  const { book } = start(() => {
    throw new TypeError('oops');
  });
  expect(await book.load([OFFER])).toMatchObject([{ code: 'PLATFORM_UNAVAILABLE' }]);
  await book.close();
});

test('offers asked for at once by many are asked upstream once', async () => {
  const { book, asked } = start(() => Promise.resolve([]));
  await Promise.all(Array.from({ length: 50 }, () => book.load([OFFER])));
  expect(asked).toHaveLength(1);
  await book.close();
});
