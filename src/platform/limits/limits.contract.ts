// What limits must do wherever they are counted.
import { beforeEach, describe, expect, test } from 'vitest';
import type { Limits } from './limits.ts';

/** `open` makes limits without any count. */
export function describeLimits(name: string, open: () => Promise<(factor: number) => Promise<Limits>>): void {
  describe(`a limit ${name}`, () => {
    let make: (factor: number) => Promise<Limits>;
    beforeEach(async () => {
      make = await open();
    });

    test('lets its points through and then says how long to wait', async () => {
      const limit = (await make(1)).create('sign-in-address');
      for (let n = 0; n < 25; n += 1) await limit.take('192.0.2.1');
      await expect(limit.take('192.0.2.1')).rejects.toMatchObject({
        kind: 'rate_limited',
        details: { retryAfter: 300 },
      });
      await limit.take('192.0.2.2');
    });

    test('says what is left, and adds nothing once nothing is', async () => {
      const limit = (await make(2 / 25)).create('sign-in-address');
      const began = Date.now();
      expect(await limit.count('192.0.2.1')).toMatchObject({ limit: 2, left: 1, retryAfter: undefined });
      expect(await limit.count('192.0.2.1')).toMatchObject({ limit: 2, left: 0, retryAfter: undefined });
      const refused = await limit.count('192.0.2.1');
      expect(refused).toMatchObject({ limit: 2, left: 0, retryAfter: 300 });
      expect(Math.abs(refused.resetAt - began - 300_000)).toBeLessThan(5_000);
      await limit.giveBack('192.0.2.1');
      expect(await limit.count('192.0.2.1', 0)).toMatchObject({ left: 1, retryAfter: undefined });
    });

    test('takes nothing by a look', async () => {
      const limit = (await make(1)).create('upload-bytes', 1_000);
      expect(await limit.count('1', 0)).toMatchObject({ left: 1_000, retryAfter: undefined });
    });

    test('counts under one name nothing of the other', async () => {
      const limits = await make(1 / 25);
      await limits.create('sign-in-address').take('192.0.2.1');
      expect(await limits.create('sign-up').count('192.0.2.1')).toMatchObject({
        left: 0,
        retryAfter: undefined,
      });
    });

    test('gives back as much as is said', async () => {
      const limit = (await make(1)).create('upload-bytes', 1_000);
      await limit.take('1', 700);
      await limit.giveBack('1', 500);
      expect(await limit.count('1', 0)).toMatchObject({ left: 800 });
      await limit.giveBack('1', 5_000_000_000);
      expect(await limit.count('1', 0)).toMatchObject({ left: 1_000 });
    });

    test('knows names of any length apart', async () => {
      const limit = (await make(1 / 25)).create('sign-in-account');
      const long = 'x'.repeat(70_000);
      const { left } = await limit.count(`${long}a`);
      await limit.count(`${long}a`);
      expect(await limit.count(`${long}b`)).toMatchObject({ left });
    });

    test('gives nothing back of nothing', async () => {
      const limit = (await make(2 / 25)).create('sign-in-address');
      await limit.giveBack('192.0.2.1');
      expect(await limit.count('192.0.2.1')).toMatchObject({ left: 1 });
    });

    test('counts an IPv6 /64 as one address, and its neighbour as another', async () => {
      const limit = (await make(1 / 25)).create('sign-in-address');
      await limit.take('2001:db8:0:1::1');
      await expect(limit.take('2001:db8:0:1:ffff::2')).rejects.toMatchObject({ kind: 'rate_limited' });
      await limit.take('2001:db8:0:2::1');
    });

    test('counts the IPv6 spelling of an IPv4 address as that address', async () => {
      const limit = (await make(1 / 25)).create('sign-in-address');
      await limit.take('::ffff:192.0.2.1');
      await expect(limit.take('192.0.2.1')).rejects.toMatchObject({ kind: 'rate_limited' });
    });

    test('is multiplied by the factor and is never less than one', async () => {
      const limitOf = async (factor: number) =>
        (await (await make(factor)).create('deletes').count('1')).limit;
      expect(await limitOf(2)).toBe(240);
      expect(await limitOf(0.0001)).toBe(1);
    });

    test('takes a point back that did not count', async () => {
      const limit = (await make(1 / 25)).create('sign-in-address');
      await limit.take('192.0.2.1');
      await limit.giveBack('192.0.2.1');
      expect(await limit.count('192.0.2.1')).toMatchObject({ left: 0, retryAfter: undefined });
    });

    test('of bytes takes the piece that crosses it whole and refuses what follows, even a look', async () => {
      const limit = (await make(1)).create('upload-bytes', 1_000);
      expect(await limit.count('1', 999)).toMatchObject({ left: 1, retryAfter: undefined });
      expect(await limit.count('1', 0)).toMatchObject({ left: 1, retryAfter: undefined });
      expect(await limit.count('1', 500)).toMatchObject({ left: 0, retryAfter: undefined });
      expect(await limit.count('1', 0)).toMatchObject({ left: 0, retryAfter: 86_400 });
    });

    test('counts the largest numbers of bytes exactly, under names of any length and signs', async () => {
      const limit = (await make(1)).create('upload-bytes', 2 ** 53 - 1);
      const key = `${'x'.repeat(500)}\u0000\r\n é`;
      expect(await limit.count(key, 2 ** 52)).toMatchObject({ left: 2 ** 52 - 1 });
      expect(await limit.count(key, 1)).toMatchObject({ left: 2 ** 52 - 2 });
      expect(await limit.count(`${key}.`, 0)).toMatchObject({ left: 2 ** 53 - 1 });
    });
  });
}
