import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { connect, startRedis, type TestRedis } from '../../../test/support/redis.ts';

let redis: TestRedis | undefined;
afterEach(() => redis?.[Symbol.asyncDispose]());

describe('a connection', () => {
  test('says once that Redis is gone and once that it is back, and since when', async () => {
    redis = await startRedis();
    await using node = connect(redis.url);
    await node.until('up');
    const { since } = node.redis.state;
    expect(Date.now() - since).toBeLessThan(5_000);
    await redis.kill();
    await node.until('down');
    expect(node.redis.state.since).toBeGreaterThanOrEqual(since);
    await expect(node.redis.commands.send((client) => client.ping())).rejects.toMatchObject({
      name: 'RedisDown',
    });
    await redis.start();
    await node.until('up');
    expect(await node.redis.commands.send((client) => client.ping())).toBe('PONG');
    expect(node.lines.map(({ msg }) => msg.slice(0, 13))).toEqual([
      'Redis is up: ',
      'Redis is down',
      'Redis is up: ',
    ]);
  });

  test('to nobody fails nothing, and is there once somebody listens', async () => {
    redis = await startRedis();
    await redis.kill();
    await using node = connect(redis.url);
    expect(node.redis.state.up).toBe(false);
    await expect(node.redis.commands.send((client) => client.ping())).rejects.toMatchObject({
      name: 'RedisDown',
    });
    await node.until('down');
    expect(node.lines).toMatchObject([{ level: 40, reason: expect.stringContaining('ECONNREFUSED') }]);
    await redis.start();
    await node.until('up');
  });

  test('signs in, and with a wrong password neither comes up nor tells the password', async () => {
    redis = await startRedis(['--requirepass', 'hunter2']);
    const withPassword = (password: string): string => redis?.url.replace('//', `//:${password}@`) ?? '';
    await using right = connect(withPassword('hunter2'));
    await right.until('up');
    await using wrong = connect(withPassword('hunter3'));
    await wrong.until('down');
    expect(wrong.lines).toMatchObject([{ reason: expect.stringMatching(/WRONGPASS|NOAUTH/) }]);
    await using none = connect(redis.url);
    await none.until('down');
    const text = JSON.stringify([right.lines, wrong.lines, none.lines]);
    expect(text).not.toContain('hunter');
  });

  test('takes nothing for an answer that came in time while this process was busy', async () => {
    redis = await startRedis();
    await using node = connect(redis.url);
    await node.until('up');
    const answer = node.redis.commands.send((client) => client.ping());
    const until = performance.now() + 400;
    while (performance.now() < until);
    expect(await answer).toBe('PONG');
    expect(node.redis.commands.up).toBe(true);
  });

  test('is made anew when nothing comes of it, and ends even then', async () => {
    // Takes connections and never says a word.
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket.resume())).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      const node = connect(`redis://127.0.0.1:${port}`);
      await expect.poll(() => sockets.length, { timeout: 15_000 }).toBeGreaterThan(2);
      expect(node.redis.state.up).toBe(false);
      await node[Symbol.asyncDispose]();
      await expect.poll(() => sockets.every((socket) => socket.readableEnded || socket.destroyed)).toBe(true);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });
});
