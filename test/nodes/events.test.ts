// What the nodes tell each other of: nothing is lost for good, nothing comes too early.
import { expect, test } from 'vitest';
import { connect as connectRedis } from '../support/redis.ts';
import { call, say } from '../support/classic-client.ts';
import { listen } from '../support/likes-socket.ts';
import { ask, onPostgres } from '../support/site-data.ts';
import { followEvents } from './events.ts';
import { comment, connectNodes, startNodes } from './nodes.ts';

test('600 changes while sockets are lost 12 times and Redis dies 3 times: every post is known in the end, none goes back', async () => {
  const report = await followEvents({ changes: 600, disconnects: 12, redisRestarts: 3 });
  expect(report).toMatchObject({ lost: 0, backwards: 0 });
  expect(report.frames).toBeGreaterThan(100);
}, 120_000);

test('a change can be read on every node when it is told of', async () => {
  await using nodes = await startNodes();
  const ann = await connectNodes(nodes);
  if (onPostgres) await slowCommits(nodes.one.dataDir);
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, turn) => say(nodes.at(turn).base, ann, `post ${turn}`)),
  );
  await using ear = connectRedis(nodes.redis.url);
  await ear.until('up');
  const { client } = ear.redis.subscriptions;
  const looks = new Map<number, Promise<unknown>>();
  const seen = async (id: number): Promise<unknown> => {
    const rows = ask(nodes.one.dataDir, 'select id from posts where root_id = ?', id);
    const answers = [nodes.one, nodes.two].map(({ base }) => call(base, `/api/posts/post/${id}/`));
    const [stored, ...shown] = await Promise.all([rows, ...answers.map((answer) => answer)]);
    return [stored, ...shown.map(({ json }) => json.comments)].map(({ length }: unknown[]) => length);
  };
  client.on('message', (_channel, text) => {
    const { postId } = JSON.parse(text).message;
    looks.set(postId, seen(postId));
  });
  await client.subscribe('veranda:bus:posts');
  using there = await listen(nodes.two.base);
  await Promise.all(ids.map((id, turn) => comment(nodes.at(turn), ann, id)));
  await expect.poll(() => looks.size).toBe(ids.length);
  for (const look of looks.values()) expect(await look).toEqual([1, 1, 1]);
  for (const id of ids) await there.until(({ post_id }) => post_id === id);
  expect(there.frames.every(({ post }) => post.comments.length === 1)).toBe(true);
});

/** So that whatever is told before a commit is told long before it. */
async function slowCommits(dataDir: string): Promise<void> {
  await ask(
    dataDir,
    `create function wait_a_while() returns trigger language plpgsql as 'begin perform pg_sleep(0.1); return null; end'`,
  );
  await ask(
    dataDir,
    `create constraint trigger slow_commit after insert on posts deferrable initially deferred
       for each row execute function wait_a_while()`,
  );
}
