import { describe, expect, test } from 'vitest';
import { describeLimits } from './limits.contract.ts';
import { createLimits } from './limits.ts';
import { createWindows } from './windows.ts';

const at = (clock: { ms: number }) => (): number => clock.ms;

describeLimits('within one process', async () => async (factor) => createLimits({ factor, now: Date.now }));

describe('a limit within one process', () => {
  test('lets its points through, then says how long to wait, and begins anew when the window is over', async () => {
    const clock = { ms: 1_000_000 };
    const limit = createLimits({ factor: 1, now: at(clock) }).create('sign-in-address');
    for (let n = 0; n < 25; n += 1) await limit.take('192.0.2.1');
    clock.ms += 100_500;
    await expect(limit.take('192.0.2.1')).rejects.toMatchObject({
      kind: 'rate_limited',
      details: { retryAfter: 200 },
    });
    clock.ms += 199_500;
    await limit.take('192.0.2.1');
  });
});

describe('windows', () => {
  test('forget the oldest count past their capacity, so that strangers cannot fill the memory', () => {
    const windows = createWindows({ ms: 1_000, capacity: 3, now: () => 0 });
    for (const key of ['a', 'b', 'c', 'd']) windows.find(key).used = 1;
    expect(windows.find('b').used).toBe(1);
    expect(windows.find('a').used).toBe(0);
  });

  test('are not stretched by a clock that is put back', () => {
    const clock = { ms: 10_000_000 };
    const windows = createWindows({ ms: 1_000, capacity: 3, now: at(clock) });
    windows.find('a').used = 5;
    clock.ms -= 3_600_000;
    expect(windows.find('a')).toEqual({ used: 0, endsAt: clock.ms + 1_000 });
  });
});
