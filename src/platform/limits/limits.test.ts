import { describe, expect, test } from 'vitest';
import { createLimits } from './limits.ts';
import { createWindows } from './windows.ts';

const at = (clock: { ms: number }) => (): number => clock.ms;

describe('a limit', () => {
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

  test('counts an IPv6 /64 as one address, and its neighbour as another', async () => {
    const limit = createLimits({ factor: 1 / 25, now: () => 0 }).create('sign-in-address');
    await limit.take('2001:db8:0:1::1');
    await expect(limit.take('2001:db8:0:1:ffff::2')).rejects.toMatchObject({ kind: 'rate_limited' });
    await limit.take('2001:db8:0:2::1');
  });

  test('counts the IPv6 spelling of an IPv4 address as that address', async () => {
    const limit = createLimits({ factor: 1 / 25, now: () => 0 }).create('sign-in-address');
    await limit.take('::ffff:192.0.2.1');
    await expect(limit.take('192.0.2.1')).rejects.toMatchObject({ kind: 'rate_limited' });
  });

  test('is multiplied by the factor and is never less than one', async () => {
    const limits = (factor: number) => createLimits({ factor, now: () => 0 }).create('deletes');
    expect((await limits(2).count('1')).limit).toBe(240);
    expect((await limits(0.0001).count('1')).limit).toBe(1);
  });

  test('takes a point back that did not count', async () => {
    const limit = createLimits({ factor: 1 / 25, now: () => 0 }).create('sign-in-address');
    await limit.take('192.0.2.1');
    await limit.giveBack('192.0.2.1');
    expect(await limit.count('192.0.2.1')).toMatchObject({ left: 0, retryAfter: undefined });
  });

  test('of bytes takes the piece that crosses it whole and refuses what follows, even a look', async () => {
    const limit = createLimits({ factor: 1, now: () => 0 }).create('upload-bytes', 1_000);
    expect(await limit.count('1', 999)).toMatchObject({ left: 1, retryAfter: undefined });
    expect(await limit.count('1', 0)).toMatchObject({ left: 1, retryAfter: undefined });
    expect(await limit.count('1', 500)).toMatchObject({ left: 0, retryAfter: undefined });
    expect(await limit.count('1', 0)).toMatchObject({ left: 0, retryAfter: 86_400 });
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
