// A post with more likes and comments than an answer lists, beside one with few.
import { join as joinPath } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

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
  const database = new Sqlite(joinPath(server.dataDir, 'veranda.db'));
  database.transaction(() => fill(database))();
  database.close();
});
afterAll(() => server[Symbol.asyncDispose]());

function fill(database: Sqlite.Database): void {
  const user = database.prepare(
    `insert into users (username, username_key, email, email_key, first_name, last_name, password_hash, role, created_at)
     values ($name, $name, $name, $name, '', '', '', 'user', 1)`,
  );
  const profile = database.prepare('insert into profiles (user_id, created_at) values (?, 1)');
  const like = database.prepare('insert into likes (post_id, profile_id, created_at) values (?, ?, 1)');
  const comment = database.prepare(
    'insert into posts (author_id, parent_id, root_id, text, created_at) values (?, $post, $post, $text, $at)',
  );
  for (let person = 0; person < PEOPLE; person += 1) {
    const { lastInsertRowid } = user.run({ name: `liker${person}` });
    const { lastInsertRowid: id } = profile.run(lastInsertRowid);
    like.run(popular, id);
    if (person < 3) like.run(quiet, id);
  }
  for (let index = 0; index < COMMENTS; index += 1)
    comment.run(1, { post: popular, text: `comment ${index}`, at: index });
  comment.run(1, { post: quiet, text: 'the only one', at: 1 });
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
