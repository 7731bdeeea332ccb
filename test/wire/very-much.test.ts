// A post with more likes and comments than an answer lists, beside one with few.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const PEOPLE = 5_003;
const COMMENTS = 1_004;

let server: TestServer;
let ann: Person;
let popular: number;
let quiet: number;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
  popular = await say(server.base, ann, 'popular');
  quiet = await say(server.base, ann, 'quiet');
  await fill();
});
afterAll(() => server[Symbol.asyncDispose]());

async function fill(): Promise<void> {
  const numbers = (count: number): string =>
    `with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < ${count - 1})`;
  const { dataDir } = server;
  await ask(
    dataDir,
    `insert into users (username, username_key, email, email_key, first_name, last_name, password_hash, role, created_at)
     ${numbers(PEOPLE)} select name, name, name, name, '', '', '', 'user', 1 from (select 'liker' || n as name from numbers) as named`,
  );
  await ask(
    dataDir,
    `insert into profiles (user_id, created_at) select id, 1 from users where username like 'liker%' order by id`,
  );
  const like = `insert into likes (post_id, profile_id, created_at)
    select cast(? as integer), profiles.id, 1 from profiles join users on users.id = user_id where username like 'liker%'`;
  await ask(dataDir, like, popular);
  await ask(dataDir, `${like} order by profiles.id limit 3`, quiet);
  await ask(
    dataDir,
    `insert into posts (author_id, parent_id, root_id, text, created_at)
     ${numbers(COMMENTS)} select 1, ${popular}, ${popular}, 'comment ' || n, n from numbers`,
  );
  await ask(
    dataDir,
    `insert into posts (author_id, parent_id, root_id, text, created_at) values (1, ?, ?, 'the only one', 1)`,
    ...[quiet, quiet],
  );
}

test('the likes of the first and the newest comments are listed, and all of the other post', async () => {
  const { json } = await call(server.base, '/api/posts/?page=1', { token: ann.access });
  const [few, much] = json;
  expect(few).toMatchObject({ id: quiet, likes: { length: 3 }, comments: [{ comment: 'the only one' }] });
  expect(much).toMatchObject({ id: popular, likes: { length: 5_000 }, comments: { length: 1_000 } });
  expect(much.comments[0].comment).toBe('comment 4');
  expect(much.comments.at(-1).comment).toBe(`comment ${COMMENTS - 1}`);
  const likers: number[] = much.likes.map(({ id }: { id: number }) => id);
  expect(likers).toEqual(likers.toSorted((one, other) => one - other));
  expect(likers[0]).toBe(few.likes[0].id);
});

test('of long comments as many of the newest are listed as a thread shows', async () => {
  const talkative = await say(server.base, ann, 'talkative');
  const text = '\u{1f600}'.repeat(2_500);
  for (let count = 0; count < 60; count += 1)
    await ask(
      server.dataDir,
      `insert into posts (author_id, parent_id, root_id, text, created_at) values (1, ?, ?, ?, ?)`,
      ...[talkative, talkative, `${count} ${text}`, count],
    );
  const { json } = await call(server.base, `/api/posts/post/${talkative}/`, { token: ann.access });
  expect(json.comments).toHaveLength(52);
  expect(json.comments.at(-1).comment).toBe(`59 ${text}`);
});

test('a comment that is longer than what a thread shows is shown alone', async () => {
  const long = await say(server.base, ann, 'long');
  const text = 'x'.repeat(262_145);
  for (const [at, said] of ['before', text].entries())
    await ask(
      server.dataDir,
      `insert into posts (author_id, parent_id, root_id, text, created_at) values (1, ?, ?, ?, ?)`,
      ...[long, long, said, at],
    );
  const { json } = await call(server.base, `/api/posts/post/${long}/`, { token: ann.access });
  expect(json.comments.map(({ comment }: { comment: string }) => comment)).toEqual([text]);
});
