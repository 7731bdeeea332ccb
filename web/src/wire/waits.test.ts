import { expect, test } from 'vitest';
import { nextWaitMs } from './waits.ts';

const RANGE = { firstMs: 1000, mostMs: 30_000 };

test('waits double up to the ceiling', () => {
  const longest = [0, 1, 2, 3, 4, 5, 6, 5000].map((attempt) => nextWaitMs(attempt, RANGE, 1));
  expect(longest).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test('jitter takes at most half away', () => {
  expect(nextWaitMs(3, RANGE, 0)).toBe(4000);
  expect(nextWaitMs(3, RANGE, 0.5)).toBe(6000);
});
