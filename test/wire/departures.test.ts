// An account is deleted: no row, no file and no count of it stays.
import { readdir } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PICTURE } from '../access/pictures.ts';
import { call, join as signUp, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

const author = (token: string) => call(site.base, '/api/users/author/', { token });

test('whoever leaves takes along all that was theirs, and nothing of others', async () => {
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

  await site.app.posts.departures.remove({ username: ann.username.toUpperCase() });

  expect((await author(ann.access)).status).toBe(401);
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

test('nobody is deleted under a name that nobody has', async () => {
  await expect(site.app.posts.departures.remove({ username: 'nobody' })).rejects.toMatchObject({
    code: 'user_not_found',
  });
});
