// A post with more likes and comments than an answer lists, beside one with few, and a profile with more followers.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask, onPostgres } from '../support/site-data.ts';
import { recordStatements, type Statement } from '../support/statements.ts';

const PEOPLE = 7_503;
const COMMENTS = 2_004;
const OTHER_POSTS = 3_000;

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

const numbers = (count: number): string =>
  `with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < ${count - 1})`;

async function fill(): Promise<void> {
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
  await ask(
    dataDir,
    `insert into posts (author_id, text, created_at) ${numbers(OTHER_POSTS)} select 1, 'old', n from numbers`,
  );
  await ask(
    dataDir,
    `insert into likes (post_id, profile_id, created_at)
     select posts.id, profiles.id, 1 from posts join profiles on profiles.id <= 20 where text = 'old'`,
  );
}

test('the likes of the first and the newest comments are listed, and all of the other post', async () => {
  const { json } = await call(server.base, '/api/posts/?page=1', { token: ann.access });
  const [few, much] = json;
  expect(few).toMatchObject({ id: quiet, likes: { length: 3 }, comments: [{ comment: 'the only one' }] });
  expect(much).toMatchObject({ id: popular, likes: { length: 5_000 }, comments: { length: 1_000 } });
  expect(much.comments[0].comment).toBe(`comment ${COMMENTS - 1_000}`);
  expect(much.comments.at(-1).comment).toBe(`comment ${COMMENTS - 1}`);
  const likers: number[] = much.likes.map(({ id }: { id: number }) => id);
  expect(likers).toEqual(likers.toSorted((one, other) => one - other));
  expect(likers[0]).toBe(few.likes[0].id);
});

test('likes and comments beyond those that are listed are not gone through', async () => {
  const { dataDir } = server;
  if (onPostgres) await ask(dataDir, 'vacuum analyze likes, posts');
  // As it is now, it is kept ready.
  await ask(dataDir, 'update posts set version = version + 1 where id = ?', popular);
  const statements = await recordStatements(async () => {
    const { json } = await call(server.base, `/api/posts/post/${popular}/`, { token: ann.access });
    expect(json).toMatchObject({ likes: { length: 5_000 }, comments: { length: 1_000 } });
  });
  const ofThread = statements.filter(({ text }) => /"root_id" (?:=|in)/.test(text));
  const ofLikes = statements.filter(({ text }) => text.includes('from "likes"'));
  expect([ofThread.length, ofLikes.length]).toEqual([2, 2]);
  if (onPostgres) {
    for (const statement of ofThread) expect(await mostRead(statement, 'posts')).toBeLessThanOrEqual(1_001);
    // With what an average over all comments is rounded by.
    for (const statement of ofLikes) expect(await mostRead(statement, 'likes')).toBeLessThan(5_700);
    return;
  }
  const searched = 'SEARCH posts USING INDEX posts_of_root (root_id=?)';
  for (const statement of ofThread)
    expect((await planOf(statement)).filter((line) => !/SUBQUERY|json_each/.test(line))).toEqual([searched]);
  const [first, bounded] = await Promise.all(ofLikes.map(planOf));
  const ofOne = 'SEARCH likes USING PRIMARY KEY (post_id=?)';
  const likes = (plan: readonly string[] = []): string[] => plan.filter((line) => /SEARCH likes/.test(line));
  expect(likes(first)).toEqual([ofOne]);
  // As far as a limit, and as far as that went.
  expect(likes(bounded)).toEqual([ofOne, 'SEARCH likes USING PRIMARY KEY (post_id=? AND profile_id<?)']);
});

const planOf = async ({ text, values }: Statement): Promise<string[]> => {
  const plan = await ask<{ detail: string }>(server.dataDir, `explain query plan ${text}`, ...values);
  return plan.map(({ detail }) => detail);
};

interface Plan {
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  Plans?: Plan[];
}

/** The rows that were read by the scan of the table that read most. */
async function mostRead({ text, values }: Statement, table: string): Promise<number> {
  const explain = `explain (analyze, format json) ${text}`;
  const rows = await ask<{ 'QUERY PLAN': [{ Plan: Plan }] }>(server.dataDir, explain, ...values);
  const scansOf = (plan: Plan): Plan[] => [
    ...(plan['Relation Name'] === table ? [plan] : []),
    ...(plan.Plans ?? []).flatMap(scansOf),
  ];
  const scans = rows.flatMap((row) => scansOf(row['QUERY PLAN'][0].Plan));
  expect(scans.length, text).toBeGreaterThan(0);
  return Math.max(...scans.map((scan) => scan['Actual Rows'] * scan['Actual Loops']));
}

test('the newest followers are listed and the rest is not gone through, but for the viewer', async () => {
  const { base, dataDir } = server;
  await ask(
    dataDir,
    `insert into follows (followed_id, follower_id, created_at)
     select cast(? as integer), profiles.id, profiles.id from profiles join users on users.id = user_id where username like 'liker%'`,
    ann.id,
  );
  const bob = await join(base);
  const read = async (): Promise<number[]> =>
    (await call(base, `/api/users/user/${ann.id}/`, { token: bob.access })).json.followers;
  const [newest = 0, ...others] = await read();
  expect(others).toEqual(Array.from({ length: 4_999 }, (_, index) => newest - 1 - index));
  await ask(dataDir, 'insert into follows values (?, ?, 0)', ann.id, bob.id);
  if (onPostgres) await ask(dataDir, 'vacuum analyze follows');
  const statements = await recordStatements(async () => {
    expect(await read()).toEqual([bob.id, newest, ...others.slice(0, -1)]);
  });
  const ofFollowers = statements.filter(({ text }) => text.includes('from "follows"'));
  expect(ofFollowers.length).toBeGreaterThan(0);
  for (const statement of ofFollowers)
    if (onPostgres) expect(await mostRead(statement, 'follows')).toBeLessThanOrEqual(5_000);
    else expect(await planOf(statement)).toEqual([expect.stringMatching(/^SEARCH follows USING/)]);
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

test('of posts that are very long a list has as many of the first as fit, and a page of the feed has all', async () => {
  const { base, dataDir } = server;
  const bob = await join(base);
  await ask(
    dataDir,
    `insert into posts (author_id, text, created_at)
     ${numbers(30)} select cast(? as integer), cast(? as text), ${Date.now() + 60_000} + n from numbers`,
    ...[bob.id, 'x'.repeat(2 ** 20)],
  );
  const list = async (path: string): Promise<{ id: number }[]> =>
    (await call(base, path, { token: ann.access })).json;
  const posts = await list(`/api/users/user/posts/${bob.id}/`);
  expect(posts).toHaveLength(20);
  // Also when most of them are kept ready.
  expect(await list(`/api/users/user/posts/${bob.id}/`)).toEqual(posts);
  const pages = await Promise.all([1, 2, 3, 4, 5].map((page) => list(`/api/posts/?page=${page}`)));
  expect(pages.flat().map(({ id }) => id)).toEqual(posts.map(({ id }) => id));
});
