import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, startRedis, type TestConnection, type TestRedis } from '../../../test/support/redis.ts';
import { describeLimits } from './limits.contract.ts';
import type { Limit } from './limits.ts';
import { openLimits } from './open.ts';
import { createRedisCounts } from './redis-counts.ts';

let redis: TestRedis;
let connection: TestConnection;
let made = 0;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

beforeEach(async () => {
  connection = connect(redis.url, { prefix: `limits-${(made += 1)}` });
  await connection.until('up');
});
afterEach(async () => {
  redis.resume();
  await connection[Symbol.asyncDispose]();
});

describeLimits('counted in Redis', async () => {
  // Each one that is made counts under a name of its own.
  let count = 0;
  return (factor) => {
    const prefix = `${connection.redis.prefix}-${(count += 1)}`;
    return openLimits({ factor, now: Date.now, redis: { ...connection.redis, prefix } });
  };
});

describe('a count in Redis', () => {
  const window = { ms: 300, points: 1, limit: 2 };

  test('ends with its window, which begins with the first point and is not made longer', async () => {
    const counts = createRedisCounts(connection.redis);
    expect(await counts.count('a', window)).toMatchObject({ used: 1, refused: false });
    const begun = performance.now();
    const look = { ...window, points: 0 };
    await expect.poll(async () => (await counts.count('a', look)).endsIn, { interval: 10 }).toBeLessThan(250);
    const second = await counts.count('a', window);
    expect(second).toMatchObject({ used: 2, refused: false });
    expect(second.endsIn).toBeLessThan(250);
    const refused = await counts.count('a', window);
    expect(refused).toMatchObject({ used: 2, refused: true });
    expect(refused.endsIn).toBeLessThan(250);
    await expect.poll(() => counts.count('a', window)).toMatchObject({ used: 1, refused: false });
    expect(performance.now() - begun).toBeGreaterThan(200);
  });

  test('leaves nothing behind when it was only looked at, and nothing that never ends', async () => {
    const counts = createRedisCounts(connection.redis);
    const { commands, prefix } = connection.redis;
    const keys = () => commands.send((client) => client.keys(`${prefix}:*`));
    await counts.count('a', { ...window, points: 0 });
    await counts.giveBack('a', window);
    expect(await keys()).toEqual([]);
    await counts.count('a', { ...window, ms: 60_000 });
    await counts.giveBack('a', window);
    const left = await commands.send((client) => client.pttl(`${prefix}:limit:a`));
    expect(left).toBeGreaterThan(50_000);
  });

  test('goes on when Redis has forgotten the scripts', async () => {
    const counts = createRedisCounts(connection.redis);
    await counts.count('a', window);
    await connection.redis.commands.send((client) => client.script('FLUSH'));
    expect(await counts.count('a', window)).toMatchObject({ used: 2 });
  });
});

describe('two nodes', () => {
  let other: TestConnection;
  let here: Limit;
  let there: Limit;

  beforeEach(async () => {
    other = connect(redis.url, { prefix: connection.redis.prefix });
    await other.until('up');
    const open = async (redisOfNode: TestConnection) =>
      (await openLimits({ factor: 0.4, now: Date.now, redis: redisOfNode.redis })).create('sign-in-address');
    [here, there] = [await open(connection), await open(other)];
  });
  afterEach(() => other[Symbol.asyncDispose]());

  test('share a count, also when both take at once', async () => {
    const taken = await Promise.allSettled(
      Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? here : there).take('192.0.2.1')),
    );
    expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
    await here.giveBack('192.0.2.1');
    expect(await there.count('192.0.2.1', 0)).toMatchObject({ left: 1 });
  });

  test('go on from what they knew, each by itself, while Redis is gone', async () => {
    for (let n = 0; n < 6; n += 1) await here.take('192.0.2.1');
    for (let n = 0; n < 2; n += 1) await there.take('192.0.2.1');
    await redis.kill();
    try {
      await Promise.all([connection.until('down'), other.until('down')]);
      // Here six of ten were known of, there all eight.
      expect(await here.count('192.0.2.1', 0)).toMatchObject({ left: 4 });
      expect(await there.count('192.0.2.1', 0)).toMatchObject({ left: 2 });
      for (let n = 0; n < 2; n += 1) await there.take('192.0.2.1');
      await expect(there.take('192.0.2.1')).rejects.toMatchObject({ kind: 'rate_limited' });
      for (let n = 0; n < 10; n += 1) await there.take('192.0.2.7');
      await expect(there.take('192.0.2.7')).rejects.toMatchObject({ kind: 'rate_limited' });
      await there.giveBack('192.0.2.7');
      await there.take('192.0.2.7');
    } finally {
      await redis.start();
    }
    await Promise.all([connection.until('up'), other.until('up')]);
    for (let n = 0; n < 5; n += 1) await here.take('192.0.2.9');
    expect(await there.count('192.0.2.9', 0)).toMatchObject({ left: 5 });
  });

  test('are held up by a Redis that stands still a moment once, and not at all after it', async () => {
    await here.take('192.0.2.1');
    redis.pause();
    // Later than a single answer may take, earlier than a second wait would be over.
    const tooLate = new Promise((resolve) => setTimeout(() => setImmediate(resolve, 'too late'), 250));
    const first = Promise.all(Array.from({ length: 100 }, () => here.count('192.0.2.1', 0)));
    expect(await Promise.race([first, tooLate])).not.toBe('too late');
    expect(connection.redis.commands.up).toBe(false);
    const isNextTurn = new Promise((resolve) => setImmediate(resolve, 'next turn'));
    expect(await Promise.race([here.count('192.0.2.1', 0), isNextTurn])).toMatchObject({ left: 9 });
    redis.resume();
    await connection.until('up');
    expect(await there.count('192.0.2.1', 0)).toMatchObject({ left: 9 });
  });
});
