// Two nodes of one site in this process: one database, one folder of files and one Redis between them.
import { setTimeout as delay } from 'node:timers/promises';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { databaseSettings } from '../support/engines.ts';
import { listen } from '../support/likes-socket.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startServer, type TestServer } from '../support/servers.ts';

export interface Nodes extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly one: TestServer;
  readonly two: TestServer;
  /** Either node in turn. */
  at(turn: number): TestServer;
}

/** `redisUrl`: the address of Redis as the nodes see it. */
export async function startNodes(
  env: Record<string, string> = {},
  options: { redis?: TestRedis; redisUrl?: string } = {},
): Promise<Nodes> {
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(options.redis ?? (await startRedis()));
  const shared = { REDIS_URL: options.redisUrl ?? redis.url, ...env };
  const one = opened.use(await startServer(shared));
  const same = { DATA_DIR: one.dataDir, ...(await databaseSettings(one.dataDir)) };
  const two = opened.use(await startServer({ ...shared, ...same }));
  // One that stands still would be waited for.
  opened.defer(() => redis.resume());
  const disposal = opened.move();
  return {
    ...{ redis, one, two },
    at: (turn) => (turn % 2 === 0 ? one : two),
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

export const like = (node: { base: string }, person: Person, postID: number): Promise<void> =>
  change(node, person, { path: 'like', body: { postID } });

export const comment = (node: { base: string }, person: Person, postID: number): Promise<void> =>
  change(node, person, { path: 'comment', body: { postID, commentContent: 'and another' } });

async function change(
  { base }: { base: string },
  { access }: Person,
  { path, body }: { path: string; body: object },
): Promise<void> {
  const { status, text } = await call(base, `/api/posts/post/add/${path}/`, { token: access, body });
  if (status >= 300) throw new Error(`a ${path} was answered ${status}: ${text}`);
}

/**
 * Comments until one node hears of what the other was told: their connections to Redis are there. Resolves with the
 * last state of the post, so that no frame of it comes afterwards.
 */
export async function connectNodes({ one, two }: Pick<Nodes, 'one' | 'two'>): Promise<Person> {
  const ann = await join(one.base);
  const postID = await say(one.base, ann, 'is anybody there');
  using listener = await listen(two.base);
  const giveUpAt = performance.now() + 10_000;
  let comments = 0;
  do {
    if (performance.now() > giveUpAt) throw new Error('the nodes do not hear each other');
    await comment(one, ann, postID);
    comments += 1;
    await delay(20);
  } while (listener.frames.length === 0);
  await listener.until(({ post }) => post.comments.length === comments);
  return ann;
}
