// Two nodes of one site, with one database and one Redis between them, and what their clients see when Redis fails.
import { join as joinPath } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { databaseSettings } from '../support/engines.ts';
import { listen } from '../support/likes-socket.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let redis: TestRedis;
let one: TestServer;
let two: TestServer;
let ann: Person;

async function start(env: Record<string, string> = {}): Promise<void> {
  one = await startServer({ REDIS_URL: redis.url, ...env });
  const settings = await databaseSettings(one.dataDir);
  const url = settings.DATABASE_URL ?? `sqlite:${joinPath(one.dataDir, 'veranda.db')}`;
  two = await startServer({ REDIS_URL: redis.url, DATABASE_URL: url, ...env });
  ann = await join(one.base);
}

beforeEach(async () => {
  redis = await startRedis();
});
afterEach(async () => {
  redis.resume();
  await two[Symbol.asyncDispose]();
  await one[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

const like = async ({ base }: TestServer, postID: number): Promise<void> => {
  const { status } = await call(base, '/api/posts/post/add/like/', { token: ann.access, body: { postID } });
  expect(status).toBeLessThan(300);
};

/** Likes and takes back until a like of one node is heard on the other, so the nodes are known to be connected. */
async function connectNodes(): Promise<void> {
  const postID = await say(one.base, ann, 'is anybody there');
  using listener = await listen(two.base);
  const isHeard = async (): Promise<boolean> => {
    await like(one, postID);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return listener.frames.length > 0;
  };
  await expect.poll(isHeard, { timeout: 10_000 }).toBe(true);
}

describe('two nodes', () => {
  test('bring a like of one to who listens on the other', async () => {
    await start();
    await connectNodes();
    const postID = await say(one.base, ann, 'hello');
    using here = await listen(one.base);
    using there = await listen(two.base);
    await like(one, postID);
    const isLiked = ({ post_id, post }: { post_id: number; post: { likes: unknown[] } }): boolean =>
      post_id === postID && post.likes.length === 1;
    await Promise.all([here.until(isLiked), there.until(isLiked)]);
    expect(here.frames.filter(({ post_id }) => post_id === postID)).toHaveLength(1);
  });

  test('make up for what Redis lost: every like that it took no message of is shown when it is back', async () => {
    await start();
    await connectNodes();
    const ids: number[] = [];
    for (let n = 0; n < 5; n += 1) ids.push(await say(one.base, ann, `post ${n}`));
    using there = await listen(two.base);
    using here = await listen(one.base);
    await redis.kill();
    for (const [n, id] of ids.entries()) await like(n % 2 === 0 ? one : two, id);
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

  test('hold no request up while Redis stands still, and show afterwards what happened', async () => {
    await start();
    await connectNodes();
    const ids: number[] = [];
    for (let n = 0; n < 10; n += 1) ids.push(await say(one.base, ann, `post ${n}`));
    using there = await listen(two.base);
    redis.pause();
    // Redis answers nothing before all of them are through.
    for (const id of ids) await like(one, id);
    expect(there.frames).toEqual([]);
    redis.resume();
    for (const id of ids) await there.until(({ post_id }) => post_id === id);
  });

  test('show every post as it is in the end, and none as it was before, however often Redis dies', async () => {
    await start();
    await connectNodes();
    const ids: number[] = [];
    for (let n = 0; n < 12; n += 1) ids.push(await say(one.base, ann, `post ${n}`));
    using here = await listen(one.base);
    using there = await listen(two.base);
    const comment = ({ base }: TestServer, postID: number): Promise<unknown> => {
      const body = { postID, authorID: ann.id, commentContent: 'and another' };
      return call(base, '/api/posts/post/add/comment/', { token: ann.access, body });
    };
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
      await Promise.all(ids.map((id, place) => comment((n + place) % 2 === 0 ? one : two, id)));
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

  test('share limits, and each holds its own while Redis is gone', async () => {
    await start({ RATE_LIMIT_FACTOR: '0.01' });
    const tally = async (times: number): Promise<number> => {
      let passed = 0;
      for (let n = 0; n < times; n += 1) {
        const { base } = n % 2 === 0 ? one : two;
        const { status } = await call(base, '/api/users/author/', { token: ann.access });
        if (status === 200) passed += 1;
      }
      return passed;
    };
    // 75 reads of one sign-in.
    expect(await tally(60)).toBe(60);
    await redis.kill();
    // Each knows of nearly all sixty.
    expect(await tally(60)).toBeLessThanOrEqual(32);
    await redis.start();
  });
});
