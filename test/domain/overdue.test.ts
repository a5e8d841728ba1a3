import { expect, test } from 'vitest';
import { isOverdue } from '../../src/domain/job/overdue.ts';

const PATIENCE = { podEndMs: 1_000, askingSince: 5_000 };
const condemned = (condemnedAt: number) => ({ state: 'CONDEMNED', condemnedAt }) as const;

test('a pod is overdue once its end was asked for long enough', () => {
  expect(isOverdue(condemned(8_000), 8_999, PATIENCE)).toBe(false);
  expect(isOverdue(condemned(8_000), 9_000, PATIENCE)).toBe(true);
  expect(isOverdue({ state: 'LIVE', condemnedAt: null }, 9_000, PATIENCE)).toBe(false);
});

test('and not for a time in which nobody was there to ask', () => {
  // Condemned, and the server was down until 5,000: its pod may have lived on all the while.
  expect(isOverdue(condemned(100), 5_001, PATIENCE)).toBe(false);
  expect(isOverdue(condemned(100), 6_000, PATIENCE)).toBe(true);
});
