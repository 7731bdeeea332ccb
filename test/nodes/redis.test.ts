// Two nodes of one site, with one database and one Redis between them, and what their clients see when Redis fails.
import { afterEach, describe, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { ALL_POSTS, type Frame, listen } from '../support/likes-socket.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import type { TestServer } from '../support/servers.ts';
import { startSlowProxy } from '../support/slow-proxy.ts';
import { comment, connectNodes, like, type Nodes, startNodes } from './nodes.ts';

let nodes: Nodes;
let redis: TestRedis;
let one: TestServer;
let two: TestServer;
let ann: Person;

async function start(env: Record<string, string> = {}): Promise<void> {
  nodes = await startNodes(env);
  ({ redis, one, two } = nodes);
  ann = await connectNodes(nodes);
}
afterEach(() => nodes[Symbol.asyncDispose]());

describe('two nodes', () => {
  test('bring a like of one to who listens on the other', async () => {
    await start();
    const postID = await say(one.base, ann, 'hello');
    using here = await listen(one.base);
    using there = await listen(two.base);
    await like(one, ann, postID);
    const isLiked = ({ post_id, post }: { post_id: number; post: { likes: unknown[] } }): boolean =>
      post_id === postID && post.likes.length === 1;
    await Promise.all([here.until(isLiked), there.until(isLiked)]);
    expect(here.frames.filter(({ post_id }) => post_id === postID)).toHaveLength(1);
  });

  test('make up for what Redis lost: every like that it took no message of is shown when it is back', async () => {
    await start();
    const ids: number[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await say(one.base, ann, `post ${n}`));
    using there = await listen(two.base);
    using here = await listen(one.base);
    await redis.kill();
    for (const [n, id] of ids.entries()) await like(nodes.at(n), ann, id);
    // What a node changed itself its own listeners see all along.
    await Promise.all(
      ids.map((id, n) => (n % 2 === 0 ? here : there).until(({ post_id }) => post_id === id)),
    );
    expect(new Set(there.frames.map(({ post_id }) => post_id))).toEqual(new Set([ids[1], ids[3]]));
    await redis.start();
    await Promise.all(
      [here, there].flatMap(({ until }) =>
        ids.map((id) => until(({ post_id, post }) => post_id === id && post.likes.length === 1)),
      ),
    );
    // Nobody is told twice what did not change.
    for (const { frames } of [here, there])
      for (const id of ids) expect(frames.filter(({ post_id }) => post_id === id)).toHaveLength(1);
  });

  test('tell what authors do on the other, and make up for new posts and edits that Redis lost', async () => {
    await start();
    using there = await listen(two.base, ALL_POSTS);
    const isOf = (id: number, text: string | null) => (frame: Frame) =>
      frame.post_id === id && (frame.post?.description ?? null) === text;
    const [older, removed] = [await say(one.base, ann, 'older'), await say(one.base, ann, 'removed')];
    await there.until(isOf(removed, 'removed'));
    const edit = { description: 'edited', existingPostId: older };
    await call(one.base, `/api/posts/post/${removed}/`, { method: 'DELETE', token: ann.access });
    await there.until(isOf(removed, null));
    await redis.kill();
    await call(one.base, '/api/posts/post/create/', { token: ann.access, body: edit });
    const newer = await say(one.base, ann, 'newer');
    await redis.start();
    await Promise.all([there.until(isOf(older, 'edited')), there.until(isOf(newer, 'newer'))]);
    expect(there.frames.filter(isOf(newer, 'newer'))).toHaveLength(1);
  });

  test('hold no request up while Redis stands still, and show afterwards what happened', async () => {
    await start();
    const ids: number[] = [];
    for (let n = 0; n < 10; n += 1) ids.push(await say(one.base, ann, `post ${n}`));
    using there = await listen(two.base);
    redis.pause();
    // Redis answers nothing before all of them are through.
    for (const id of ids) await like(one, ann, id);
    expect(there.frames).toEqual([]);
    redis.resume();
    for (const id of ids) await there.until(({ post_id }) => post_id === id);
  });

  test('show every post as it is in the end, and none as it was before, however often Redis dies', async () => {
    await start();
    const ids: number[] = [];
    for (let n = 0; n < 12; n += 1) ids.push(await say(one.base, ann, `post ${n}`));
    using here = await listen(one.base);
    using there = await listen(two.base);
    const COMMENTS = 24;
    const deaths = (async (): Promise<void> => {
      for (let n = 0; n < 3; n += 1) {
        await here.until(({ post }) => post.comments.length >= (n + 1) * 5);
        await redis.kill();
        await here.until(({ post }) => post.comments.length >= (n + 1) * 5 + 2);
        await redis.start();
      }
    })();
    for (let n = 0; n < COMMENTS; n += 1)
      await Promise.all(ids.map((id, place) => comment(nodes.at(n + place), ann, id)));
    await deaths;
    for (const { frames, until } of [here, there])
      for (const id of ids) {
        await until(({ post_id, post }) => post_id === id && post.comments.length === COMMENTS);
        const lengths = frames
          .filter(({ post_id }) => post_id === id)
          .map(({ post }) => post.comments.length);
        expect(lengths).toEqual(lengths.toSorted((x, y) => x - y));
      }
  });

  test('hold no request up while Redis takes five seconds for everything, however long that lasts', async () => {
    const own = await startRedis();
    await using proxy = await startSlowProxy(own.port);
    nodes = await startNodes({}, { redis: own, redisUrl: `redis://127.0.0.1:${proxy.port}` });
    ann = await connectNodes(nodes);
    const postID = await say(nodes.one.base, ann, 'hello');
    /** How long the slowest of some requests took, in milliseconds, over a while. */
    const slowest = async (ms: number): Promise<number> => {
      let longest = 0;
      for (const end = performance.now() + ms; performance.now() < end;) {
        const begun = performance.now();
        await like(nodes.one, ann, postID);
        longest = Math.max(longest, performance.now() - begun);
      }
      return longest;
    };
    const before = await slowest(1_000);
    proxy.delayMs = 2_500;
    // The answers to what was asked first come meanwhile, five seconds late.
    expect(await slowest(7_000)).toBeLessThan(250 + before);
    proxy.delayMs = 0;
    using there = await listen(nodes.two.base);
    const last = await say(nodes.one.base, ann, 'after all');
    await like(nodes.one, ann, last);
    await there.until(({ post_id }) => post_id === last);
  });

  test.each(['there', 'gone'])(
    'know at once who has signed out on the other, with Redis %s',
    async (redisIs) => {
      await start();
      if (redisIs === 'gone') await redis.kill();
      for (let turn = 0; turn < 6; turn += 1) {
        const [here, there] = [nodes.at(turn), nodes.at(turn + 1)];
        const { access, refresh } = await join(here.base);
        expect((await call(there.base, '/api/users/author/', { token: access })).status).toBe(200);
        const body = { accessToken: access, refreshToken: refresh };
        expect((await call(here.base, '/api/users/user/logout/', { token: access, body })).status).toBe(200);
        const again = await Promise.all([
          call(there.base, '/api/users/user/token/refresh/', { body: { refresh } }),
          call(there.base, '/api/users/author/', { token: access }),
        ]);
        expect(again.map(({ status }) => status)).toEqual([401, 401]);
      }
    },
  );

  test('share limits, and each holds its own while Redis is gone', async () => {
    await start({ RATE_LIMIT_FACTOR: '0.01' });
    const tally = async (times: number): Promise<number> => {
      let passed = 0;
      for (let n = 0; n < times; n += 1) {
        const { status } = await call(nodes.at(n).base, '/api/users/author/', { token: ann.access });
        if (status === 200) passed += 1;
      }
      return passed;
    };
    // 75 reads of one sign-in, of which each node takes every second one.
    expect(await tally(60)).toBe(60);
    await redis.kill();
    // Each knows of nearly all sixty.
    expect(await tally(60)).toBeLessThanOrEqual(32);
    await redis.start();
  });
});
