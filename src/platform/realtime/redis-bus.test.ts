import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect, startRedis, type TestConnection, type TestRedis } from '../../../test/support/redis.ts';
import { describeBus } from './bus.contract.ts';
import type { Bus, Gap, Topic } from './bus.ts';
import { openBus } from './open.ts';

const news: Topic<{ text: string }> = { name: 'news' };

let redis: TestRedis;
let made = 0;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis[Symbol.asyncDispose]());

interface Node extends AsyncDisposable {
  bus: Bus;
  connection: TestConnection;
  /** What was asked of Redis before is done. */
  settle(): Promise<void>;
}

async function openNode(prefix: string, onError: (error: unknown) => void): Promise<Node> {
  const connection = connect(redis.url, { prefix });
  const bus = await openBus({ redis: connection.redis, onError, now: Date.now });
  const { commands, subscriptions } = connection.redis;
  return {
    ...{ bus, connection },
    async settle() {
      await connection.until('up');
      await subscriptions.send((client) => client.ping());
      await commands.send((client) => client.ping());
    },
    async [Symbol.asyncDispose]() {
      await bus[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

/** Closes the connections with the bus. */
const closing = (node: Node): Bus => ({
  ...node.bus,
  [Symbol.asyncDispose]: () => node[Symbol.asyncDispose](),
});

describeBus('over Redis, on one node', async (onError) => {
  const node = await openNode(`one-${(made += 1)}`, onError);
  const bus = closing(node);
  return { here: bus, there: bus, settle: node.settle };
});

describeBus('over Redis, from one node to the other', async (onError) => {
  const prefix = `two-${(made += 1)}`;
  const [here, there] = [await openNode(prefix, onError), await openNode(prefix, onError)];
  return {
    here: closing(here),
    there: closing(there),
    async settle() {
      await Promise.all([here.settle(), there.settle()]);
    },
  };
});

describe('two nodes', () => {
  let a: Node;
  let b: Node;
  let heard: { a: string[]; b: string[] };
  let gaps: { a: Gap[]; b: Gap[] };
  let errors: unknown[];
  let prefix: string;

  beforeEach(async () => {
    prefix = `nodes-${(made += 1)}`;
    errors = [];
    heard = { a: [], b: [] };
    gaps = { a: [], b: [] };
    const onError = (error: unknown): void => void errors.push(error);
    [a, b] = [await openNode(prefix, onError), await openNode(prefix, onError)];
    a.bus.subscribe(news, ({ text }) => heard.a.push(text));
    b.bus.subscribe(news, ({ text }) => heard.b.push(text));
    await Promise.all([a.settle(), b.settle()]);
    a.bus.onGap(news, (gap) => gaps.a.push(gap));
    b.bus.onGap(news, (gap) => gaps.b.push(gap));
  });
  afterEach(async () => {
    redis.resume();
    await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
    if (errors.length > 0) throw new Error('a listener or Redis has failed', { cause: errors });
  });

  const say = (node: Node, text: string): void => node.bus.publish(news, { text });
  const numberOfSubscribers = async (): Promise<number> => {
    const asked = await a.connection.redis.commands.send((client) =>
      client.pubsub('NUMSUB', `${prefix}:bus:news`),
    );
    return Number((asked as unknown[])[1]);
  };

  test('hear each message once, the one that published it too', async () => {
    for (const text of ['1', '2', '3']) say(a, text);
    say(b, '4');
    await expect.poll(() => heard.a).toEqual(['1', '2', '3', '4']);
    await expect.poll(() => heard.b.toSorted()).toEqual(['1', '2', '3', '4']);
    await Promise.all([a.settle(), b.settle()]);
    expect(heard.a).toHaveLength(4);
    expect(heard.b).toHaveLength(4);
  });

  test('have one subscription for a topic each, however many listen, and none when nobody does', async () => {
    const ends = Array.from({ length: 50 }, () => a.bus.subscribe(news, () => undefined));
    await a.settle();
    expect(await numberOfSubscribers()).toBe(2);
    // Nor is it asked for again, which would tell of a gap.
    expect(gaps.a).toEqual([]);
    for (const end of ends) end();
    await a.settle();
    expect(await numberOfSubscribers()).toBe(2);
    const end = a.bus.subscribe({ name: 'rare' }, () => undefined);
    end();
    end();
    await a.settle();
    const rare = await a.connection.redis.commands.send((client) =>
      client.pubsub('NUMSUB', `${prefix}:bus:rare`),
    );
    expect(rare).toEqual([`${prefix}:bus:rare`, 0]);
  });

  test('of another site on the same Redis hear nothing', async () => {
    await using stranger = await openNode(`${prefix}-other`, () => undefined);
    await stranger.settle();
    say(stranger, 'not for you');
    await stranger.settle();
    say(a, 'for you');
    await expect.poll(() => heard.b).toEqual(['for you']);
  });

  test('go on telling their own listeners while Redis is gone, and are told of the gap when it is back', async () => {
    say(a, 'before');
    await expect.poll(() => heard.b).toEqual(['before']);
    const before = Date.now();
    await redis.kill();
    await Promise.all([a.connection.until('down'), b.connection.until('down')]);
    say(a, 'meanwhile');
    await expect.poll(() => heard.a).toEqual(['before', 'meanwhile']);
    expect(gaps).toEqual({ a: [], b: [] });
    const lostAt = Date.now();

    await redis.start();
    await expect.poll(() => gaps.a.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await expect.poll(() => gaps.b.length, { timeout: 10_000 }).toBeGreaterThan(0);
    for (const { since } of [...gaps.a, ...gaps.b]) {
      expect(since).toBeLessThanOrEqual(lostAt);
      expect(since).toBeGreaterThan(before - 10_000);
    }
    expect(heard.b).toEqual(['before']);
    // The subscription is there once the gap is told.
    await a.connection.until('up');
    say(a, 'after');
    await expect.poll(() => heard.b).toEqual(['before', 'after']);
  });

  test('are told of what the other could not publish, though their own connection was up all the time', async () => {
    const { commands } = a.connection.redis;
    // Breaks this one connection, and what is published before it is back is lost.
    const lostAt = Date.now();
    commands.client.disconnect(true);
    await a.connection.until('down');
    say(a, 'lost');
    await expect.poll(() => gaps.b, { timeout: 10_000 }).toHaveLength(1);
    expect(gaps.b[0]?.since).toBeGreaterThanOrEqual(lostAt);
    expect(gaps.b[0]?.since).toBeLessThanOrEqual(Date.now());
    expect(gaps.a).toEqual([]);
    expect(b.connection.redis.state.up).toBe(true);
    expect(heard).toEqual({ a: ['lost'], b: [] });
  });

  test('that lost only their subscription make up for that time, and ask the others what they heard nothing of', async () => {
    await using ear = connect(redis.url);
    await ear.until('up');
    const notices: { away?: number; lost?: number }[] = [];
    const { client } = ear.redis.subscriptions;
    client.on('message', (_channel, text) => notices.push(JSON.parse(text)));
    await client.subscribe(`${prefix}:bus`);
    const brokeAt = Date.now();
    a.connection.redis.subscriptions.client.disconnect(true);
    await a.connection.until('down');
    say(b, 'unheard');
    await expect.poll(() => gaps.a).toHaveLength(1);
    const { since = Number.NaN } = gaps.a[0] ?? {};
    expect(since).toBeLessThan(brokeAt);
    expect(since).toBeGreaterThan(brokeAt - 10_000);
    await expect.poll(() => notices).toMatchObject([{ away: since }]);
    expect(notices[0]).not.toHaveProperty('lost');
    expect(gaps.b).toEqual([]);
    expect(heard).toEqual({ a: [], b: ['unheard'] });
  });

  test('are told again of what the other could not publish when they were away as it said so', async () => {
    const lostAt = Date.now();
    a.connection.redis.commands.client.disconnect(true);
    await a.connection.until('down');
    say(a, 'lost');
    await expect.poll(() => gaps.b).toHaveLength(1);
    // A third node was connected before the loss, and away when it was told: as if its time had stood still.
    const since = lostAt + 60_000;
    const notice = { node: 'third', away: since };
    await b.connection.redis.commands.send((client) =>
      client.publish(`${prefix}:bus`, JSON.stringify({ ...notice, away: lostAt + 10_000 })),
    );
    await expect.poll(() => gaps.b).toHaveLength(2);
    expect(gaps.b[1]).toEqual(gaps.b[0]);
    // Whoever left long after it has heard of it, and whoever left before makes up for it anyway.
    for (const away of [since, lostAt - 1])
      await b.connection.redis.commands.send((client) =>
        client.publish(`${prefix}:bus`, JSON.stringify({ ...notice, away })),
      );
    await Promise.all([a.settle(), b.settle()]);
    expect(gaps.b).toHaveLength(2);
  });

  test('do not wait for a Redis that stands still, keep little, and lose nothing for good', async () => {
    redis.pause();
    const begun = performance.now();
    for (let n = 0; n < 30_000; n += 1) say(a, `${n}`);
    expect(performance.now() - begun).toBeLessThan(5_000);
    // Past 10,000 that are unanswered nothing is handed over, and after the first that took too long nothing at all.
    expect(a.connection.redis.commands.client.commandQueue.length).toBeLessThanOrEqual(10_001);
    await a.connection.until('down');
    const { length } = a.connection.redis.commands.client.commandQueue;
    for (let n = 0; n < 1_000; n += 1) say(a, 'dropped');
    expect(a.connection.redis.commands.client.commandQueue).toHaveLength(length);
    await expect.poll(() => heard.a.length).toBe(31_000);

    redis.resume();
    await expect.poll(() => gaps.b.length, { timeout: 10_000 }).toBeGreaterThan(0);
    say(a, 'after');
    await expect.poll(() => heard.b.at(-1)).toBe('after');
  });

  test('take no harm from what others write on their channels', async () => {
    const { commands } = b.connection.redis;
    for (const text of ['', 'null', '1', '{"node":1}', '{"node":"x","lost":"now","away":[]}', '{'])
      await commands.send((client) => client.publish(`${prefix}:bus`, text));
    await commands.send((client) => client.publish(`${prefix}:bus:news`, '{'));
    say(a, 'still here');
    await expect.poll(() => heard.b).toEqual(['still here']);
    expect(errors.splice(0)).toHaveLength(2);
    expect(gaps).toEqual({ a: [], b: [] });
  });
});

test('a node that starts without Redis tells its listeners what they may have missed until it came', async () => {
  await redis.kill();
  try {
    const begun = Date.now();
    await using node = await openNode(`late-${(made += 1)}`, () => undefined);
    const gaps: Gap[] = [];
    node.bus.subscribe(news, () => undefined);
    node.bus.onGap(news, (gap) => gaps.push(gap));
    await node.connection.until('down');
    await redis.start();
    await expect.poll(() => gaps, { timeout: 10_000 }).toHaveLength(1);
    expect(gaps[0]?.since).toBeGreaterThanOrEqual(begun - 1_000);
    expect(gaps[0]?.since).toBeLessThanOrEqual(Date.now());
  } finally {
    await redis.kill();
    await redis.start();
  }
});
