// How much later a node hears of a like that another one took: over Redis, on PostgreSQL, and what the bus alone takes of it.
//   node bench/nodes.ts [--likes 300] [--rate 20]
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { openBus } from '../src/platform/realtime/open.ts';
import { call } from '../test/support/classic-client.ts';
import { connect } from '../test/support/redis.ts';
import { spawnServer } from '../test/support/servers.ts';
import { percentile } from './delays.ts';
import { copyToPostgres } from './postgres-sites.ts';
import { print, row } from './processes.ts';
import { fillSite, LOGIN } from './sites.ts';

const { values } = parseArgs({
  options: { likes: { type: 'string', default: '300' }, rate: { type: 'string', default: '20' } },
});
const likes = Number(values.likes);
const pauseMs = 1_000 / Number(values.rate);

// Each like is on a post of its own, so that none waits for what came before it.
await using site = await fillSite({
  ...{ people: 200, posts: likes + 1, likesPerPost: 20, commentsPerPost: 5, picturesPerPost: 2 },
});
await using postgres = await copyToPostgres(site);
const settings = { ...postgres.shared, ROLES: 'serve', RATE_LIMIT_FACTOR: '1000000' };
await using here = await spawnServer(settings);
await using there = await spawnServer(settings);
const token: string = (await call(here.base, '/api/users/user/token/', { body: LOGIN })).json.access;

/** When a socket heard of each post, in milliseconds. */
async function listen(base: string): Promise<Map<number, number> & Disposable> {
  const socket = new WebSocket(`${base.replace('http', 'ws')}/ws/posts/likes/`);
  const heard = new Map<number, number>();
  socket.on('message', (data: Buffer) => {
    const id = Number(/^\{"post_id":(\d+),/.exec(data.subarray(0, 32).toString('latin1'))?.[1]);
    if (!heard.has(id)) heard.set(id, performance.now());
  });
  await once(socket, 'open');
  return Object.assign(heard, { [Symbol.dispose]: () => socket.terminate() });
}

using atHere = await listen(here.base);
using atThere = await listen(there.base);
const like = (postID: number): Promise<unknown> =>
  call(here.base, '/api/posts/post/add/like/', { token, body: { postID } });

// The first of all meets code that was never run.
const [first = 1, ...ids] = site.postIds;
while (!atThere.has(first)) await like(first);
const sentAt = new Map<number, number>();
for (const id of ids) {
  const next = performance.now() + pauseMs;
  sentAt.set(id, performance.now());
  await like(id);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
}
const giveUpAt = performance.now() + 5_000;
while (ids.some((id) => !atThere.has(id) || !atHere.has(id)) && performance.now() < giveUpAt)
  await new Promise((resolve) => setTimeout(resolve, 20));

/** Of those that were delivered: milliseconds from one moment to another. */
const between = (from: Map<number, number>, to: Map<number, number>): number[] =>
  ids.flatMap((id) => {
    const [begin, end] = [from.get(id), to.get(id)];
    return begin === undefined || end === undefined ? [] : [end - begin];
  });

async function timeBus(): Promise<number[]> {
  const url = postgres.shared['REDIS_URL'] ?? '';
  await using opened = new AsyncDisposableStack();
  const open = async () => {
    const connection = opened.use(connect(url, { prefix: 'bench' }));
    await connection.until('up');
    const onError = (error: unknown): void => print(String(error));
    return opened.use(await openBus({ redis: connection.redis, onError, now: Date.now }));
  };
  const [one, two] = [await open(), await open()];
  const topic = { name: 'bench' } as { name: string; message?: { at: number } };
  const delays: number[] = [];
  let told = Promise.withResolvers<void>();
  two.subscribe(topic, ({ at }) => {
    delays.push(performance.now() - at);
    told.resolve();
  });
  for (let count = 0; count < likes; count += 1) {
    told = Promise.withResolvers<void>();
    one.publish(topic, { at: performance.now() });
    // The first may come before the subscription.
    await Promise.race([told.promise, new Promise((resolve) => setTimeout(resolve, 200))]);
  }
  return delays;
}

const lines: [string, number[]][] = [
  ['like sent to frame, same node', between(sentAt, atHere)],
  ['like sent to frame, other node', between(sentAt, atThere)],
  ['frame on the same node to frame on the other', between(atHere, atThere)],
  ['bus alone, publish to listener', await timeBus()],
];
print(row(['what', 'delivered', 'p50 ms', 'p99 ms']));
print(row(['---', '---:', '---:', '---:']));
for (const [what, delays] of lines)
  print(row([what, delays.length, percentile(delays, 0.5).toFixed(1), percentile(delays, 0.99).toFixed(1)]));
