// An account is deleted: no row, no file and no count of it stays.
import { readdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PICTURE } from '../access/pictures.ts';
import { call, join as signUp, type Person, say } from '../support/classic-client.ts';
import { databaseSettings } from '../support/engines.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

const author = (token: string) => call(site.base, '/api/users/author/', { token });

const signIn = (username: string, password: string) =>
  call(site.base, '/api/users/user/token/', { body: { username, password } });
const leave = ({ access }: { access: string }, password: string) =>
  call(site.base, '/api/users/user/delete/', { token: access, body: { password } });

const ways: [string, (who: Person) => Promise<unknown>][] = [
  [
    'the operator removes',
    (who) => site.app.posts.departures.remove({ username: who.username.toUpperCase() }),
  ],
  ['leaves', async (who) => expect((await leave(who, who.password)).status).toBe(202)],
];

test.for(ways)('whoever %s takes along all that was theirs, and nothing of others', async ([, remove]) => {
  const [ann, ben] = [await signUp(site.base), await signUp(site.base)];
  const send = (who: typeof ann, path: string, body: object) =>
    call(site.base, `/api/posts/post/${path}/`, { token: who.access, body });
  const follow = (who: typeof ann, whom: typeof ann) =>
    call(site.base, `/api/users/user/${whom.id}/follow/`, { method: 'PUT', token: who.access });
  const [hers, his] = [await say(site.base, ann, 'of ann'), await say(site.base, ben, 'of ben')];
  await send(ann, 'add/media/image', { postID: hers, imageBase64: PICTURE });
  await send(ben, 'add/comment', { postID: hers, commentContent: 'of ben' });
  await send(ann, 'add/comment', { postID: his, commentContent: 'of ann' });
  await send(ann, 'add/like', { postID: his });
  await follow(ann, ben);
  await follow(ben, ann);
  await call(site.base, '/api/users/author/update/', {
    token: ann.access,
    body: { profile_image: PICTURE },
  });
  const upload = { token: ann.access, body: { filename: 'film.mp4', length: 9 } };
  expect((await call(site.base, '/api/uploads', upload)).status).toBe(201);

  await remove(ann);
  expect((await author(ann.access)).status).toBe(401);
  site.app.worker.wake();
  await site.app.worker.idle();
  const left = (await call(site.base, `/api/posts/post/${his}/`)).json;
  expect([left.description, left.likes, left.comments]).toEqual(['of ben', [], []]);
  expect((await author(ben.access)).json.followers).toEqual([]);
  expect(await ask(site.dataDir, 'select likes_count, children_count from posts where id = ?', his)).toEqual([
    { likes_count: 0, children_count: 0 },
  ]);
  expect(
    await ask(site.dataDir, 'select followers_count, following_count from profiles where id = ?', ben.id),
  ).toEqual([{ followers_count: 0, following_count: 0 }]);
  for (const [table, column] of [
    ...[
      ['profiles', 'id'],
      ['posts', 'author_id'],
      ['media', 'owner_id'],
      ['uploads', 'owner_id'],
    ],
    ...[
      ['likes', 'profile_id'],
      ['follows', 'follower_id'],
      ['follows', 'followed_id'],
    ],
  ])
    expect(await ask(site.dataDir, `select * from ${table} where ${column} = ?`, ann.id), table).toEqual([]);
  site.app.worker.wake();
  await site.app.worker.idle();
  expect(await ask(site.dataDir, 'select * from pictures')).toEqual([]);
  const files = await readdir(joinPath(site.dataDir, 'media'), { recursive: true, withFileTypes: true });
  expect(files.filter((file) => file.isFile()).map(({ name }) => name)).toEqual([]);
  // The name is free again.
  expect((await signUp(site.base, { username: ann.username })).username).toBe(ann.username);
});

test('nobody leaves without their password', async () => {
  const ann = await signUp(site.base);
  const post = await say(site.base, ann, 'stays');
  for (const wrong of ['Wrong-Harbour-42', '']) {
    const { status, json } = await leave(ann, wrong);
    expect([status, json]).toEqual([400, { password: ['This is not your present password.'] }]);
  }
  expect(
    (await call(site.base, '/api/users/user/delete/', { body: { password: ann.password } })).status,
  ).toBe(401);
  await site.app.worker.idle();
  expect((await author(ann.access)).status).toBe(200);
  expect((await call(site.base, `/api/posts/post/${post}/`)).status).toBe(200);
});

test('whoever leaves is signed out everywhere at once, and gone once somebody works, whichever process that is', async () => {
  const ann = await signUp(site.base);
  const elsewhere = (await signIn(ann.username, ann.password)).json;
  const post = await say(site.base, ann, 'goes');
  const ben = await signUp(site.base);
  const stays = await say(site.base, ben, 'stays');
  await site.app.worker.stop();
  for (const who of [ann, ben]) expect((await leave(who, who.password)).status).toBe(202);
  const cas = await signUp(site.base);
  expect((await leave(cas, cas.password)).status).toBe(202);
  for (const { username } of [ben, cas])
    await site.app.users.accounts.setSuspended({ username, suspended: false });
  await site.app.users.accounts.setSuspended({ username: cas.username, suspended: true });
  for (const token of [ann.access, elsewhere.access]) expect((await author(token)).status).toBe(401);
  expect((await signIn(ann.username, ann.password)).status).toBe(401);
  expect((await call(site.base, `/api/posts/post/${post}/`)).status).toBe(200);

  const same = { DATA_DIR: site.dataDir, ...(await databaseSettings(site.dataDir)) };
  await using other = await startServer(same);
  await other.app.worker.idle();
  expect((await call(site.base, `/api/posts/post/${post}/`)).status).toBe(404);
  expect(await ask(site.dataDir, 'select * from users where username = ?', ann.username)).toEqual([]);
  // Whom the operator let in again before that stays, also when they are suspended for something else.
  await site.app.users.accounts.setSuspended({ username: cas.username, suspended: false });
  expect((await signIn(cas.username, cas.password)).status).toBe(200);
  expect((await signIn(ben.username, ben.password)).status).toBe(200);
  expect((await call(site.base, `/api/posts/post/${stays}/`)).status).toBe(200);
});

test('a departure whose last try died with its process is begun anew', async () => {
  await using other = await startServer();
  await other.app.worker.idle();
  const columns =
    'kind, payload, priority, run_at, attempts, max_attempts, lease_holder, lease_until, created_at';
  await ask(
    other.dataDir,
    `insert into jobs (${columns}) values ('departure', '{"userId":999999,"suspendedAt":1}', 0, 1, 5, 5, 'gone', 2, 1)`,
  );
  other.app.worker.wake();
  await other.app.worker.idle();
  const [job] = await ask<{ attempts: number; run_at: unknown }>(
    other.dataDir,
    "select attempts, run_at from jobs where kind = 'departure' and dead_at is null",
  );
  expect(job?.attempts).toBe(0);
  expect(Number(job?.run_at)).toBeGreaterThan(Date.now() + 3_000_000);
});

test('an account that somebody follows again is not removed before that is undone, so that counts stay true', async () => {
  const [ann, ben] = [await signUp(site.base), await signUp(site.base)];
  await call(site.base, `/api/users/user/${ann.id}/follow/`, { method: 'PUT', token: ben.access });
  const [account] = await ask<{ user_id: number }>(
    site.dataDir,
    'select user_id from profiles where id = ?',
    ann.id,
  );
  const removed = await site.app.profiles.remove({ userId: Number(account?.user_id), profileId: ann.id });
  expect(removed).toBe(false);
  expect((await author(ann.access)).status).toBe(200);
});

test('nobody is deleted under a name that nobody has', async () => {
  await expect(site.app.posts.departures.remove({ username: 'nobody' })).rejects.toMatchObject({
    code: 'user_not_found',
  });
});
