// Moving in: an original Django site becomes a site of ours, with everybody and everything that links lead to.
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { ImportReport } from '../../src/features/imports/index.ts';
import { call, form, join as signUp, type Person, say } from '../support/classic-client.ts';
import {
  counts,
  moveIn,
  originalSite,
  passwords,
  query,
  readContents,
  summarise,
  wrongCounters,
} from '../support/original-site.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const signIn = (base: string, [username, password]: readonly [string, string]) =>
  call(base, '/api/users/user/token/', { body: form({ username, password }) });

describe('the site of the fixtures', () => {
  let server: TestServer;
  let report: ImportReport;
  let token: string;
  const rows = (sql: string) => ask<Record<string, unknown>>(server.dataDir, sql);
  const original = (sql: string) => query(originalSite.database, sql);
  const get = async (path: string) => (await call(server.base, path, { token })).json;

  beforeAll(async () => {
    server = await startServer();
    report = await moveIn(server.app);
    token = (await signIn(server.base, ['mara.lindqvist', 'Harbour-Lamp-41'])).json.access;
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test('is taken row by row, and the report says what was not', async () => {
    const expected = Object.entries(counts).map(([table, [read, taken]]) => [
      table,
      [read, taken, 0, read - taken],
    ]);
    expect(summarise(report)).toEqual(Object.fromEntries(expected));
    expect(report.refusals.lines).toEqual([
      'Posts_comment 10: no post refers to it',
      'Posts_mediafile 4: no post refers to it',
    ]);
    expect(report.notes.lines).toEqual([]);
    expect(report.otherTables).toEqual([]);
  });

  test.each(Object.entries(passwords))(
    'lets profile %s sign in with the old password',
    async (id, credentials) => {
      const answer = await signIn(server.base, credentials);
      expect(answer.status).toBe(200);
      const own = await call(server.base, '/api/users/author/', { token: answer.json.access });
      expect(own.json).toMatchObject({ id: Number(id), user: Number(id), username: credentials[0] });
      expect(own.json.email).toBe(`person${id}@example.org`);
      const [user] = await rows(`select password_hash from users where id = ${id}`);
      expect(user?.['password_hash']).toMatch(/^\$argon2id\$/);
      // With the hash that has taken its place, too.
      expect((await signIn(server.base, credentials)).status).toBe(200);
    },
  );

  test('lets nobody in with a wrong password', async () => {
    expect((await signIn(server.base, ['tobias_k', 'Harbour-Lamp-41'])).status).toBe(401);
  });

  test('has everybody followed by the same people', async () => {
    const followers: Record<number, number[]> = {
      1: [2, 3, 4, 5],
      2: [1, 3, 5],
      3: [1, 5],
      4: [1, 5],
      5: [],
      6: [4, 5],
    };
    for (const [id, expected] of Object.entries(followers)) {
      const profile = await get(`/api/users/user/${id}/`);
      expect(profile.followers.toSorted()).toEqual(expected);
    }
    expect(
      (await rows('select following_count as n from profiles order by id')).map((row) => row['n']),
    ).toEqual([3, 1, 2, 2, 5, 0]);
  });

  test('keeps the ids, texts and dates of posts', async () => {
    const old = original(
      'select id, description as text, auhtor_id as author_id, date_created from Posts_post',
    );
    const taken = await rows(
      'select id, text, author_id, created_at from posts where parent_id is null order by id',
    );
    expect(taken).toEqual(
      old.map(({ date_created, ...post }) => ({ ...post, created_at: epoch(date_created) })),
    );
    expect(taken[6]?.['text']).toBe('');
    // Only what was touched a while after it was made counts as edited.
    expect(await rows('select id from posts where edited_at is not null order by id')).toEqual([
      { id: 10 },
      { id: 12 },
    ]);
  });

  test('answers the old links', async () => {
    const post = await get('/api/posts/post/3');
    expect(post).toMatchObject({
      id: 3,
      description: 'Dos fotos del mercado: «pan, flores y café»',
      date_created: '2026-11-22T18:08:36.480Z',
      auhtor: { id: 3, username: 'inés@valle' },
    });
    expect(post.media_files.map((media: { id: number }) => media.id)).toEqual([1, 2]);
    const profile = await get('/api/users/user/4/');
    expect(profile).toMatchObject({ id: 4, firstname: '友紀', lastname: '森' });
  });

  test('gives comments and replies ids above all that are kept, and their texts, authors and dates', async () => {
    const said =
      await rows(`select c.text, c.author_id, c.created_at, c.parent_id, case when c.id > 13 then 1 else 0 end as fresh from posts c
      where c.parent_id = c.root_id order by c.created_at`);
    const old = original(`select comment as text, author_id, pub_date, post_id from Posts_comment c
      join Posts_post_comments l on l.comment_id = c.id order by pub_date`);
    expect(said).toEqual(
      old.map(({ pub_date, post_id, ...comment }) => ({
        ...comment,
        created_at: epoch(pub_date),
        parent_id: post_id,
        fresh: 1,
      })),
    );
    const replies =
      await rows(`select r.text, r.author_id, c.text as to_comment, case when c.root_id = r.root_id then 1 else 0 end as same
      from posts r join posts c on c.id = r.parent_id where r.parent_id <> r.root_id order by r.created_at`);
    expect(replies).toEqual(
      original(`select r.reply as text, r.author_id, c.comment as to_comment, 1 as same from Posts_reply r
        join Posts_comment_replyes l on l.reply_id = r.id join Posts_comment c on c.id = l.comment_id
        order by r.pub_date`),
    );
  });

  test('has the likes of posts, comments and replies, and counters that equal their rows', async () => {
    const likesOf = (post: { likes: { id: number }[] }) => post.likes.map(({ id }) => id);
    expect(likesOf(await get('/api/posts/post/5'))).toEqual([1, 2, 3, 4, 5, 6]);
    const [first, second, third] = (await get('/api/posts/post/1')).comments;
    expect([first, second, third].map(likesOf)).toEqual([[1, 3, 4], [1], []]);
    expect(first.replyes.map(likesOf)).toEqual([[2, 3], [1]]);
    expect(await rows('select count(*) as n from likes')).toEqual([{ n: 33 }]);
    expect(await rows(wrongCounters)).toEqual([]);
  });

  test('shows texts with HTML and emoji as they are', async () => {
    const html = original('select description from Posts_post where id = 6')[0]?.['description'];
    expect((await get('/api/posts/post/6')).description).toBe(html);
    expect((await get('/api/posts/post/2')).description).toBe('Coffee by the river this morning ☕🌊');
  });

  test('is found by search', async () => {
    const find = async (words: string) =>
      (await get(`/api/posts/post/search?q=${encodeURIComponent(words)}`)).map(
        ({ id }: { id: number }) => id,
      );
    expect(await find('café')).toContain(3);
    expect(await find('静か')).toEqual([5]);
    expect(await find('final words')).toContain(12);
  });

  test('shows the same pictures', async () => {
    const files: [number, string][] = [
      [1, 'media/postsMedia/image.jpg'],
      [2, 'media/postsMedia/image_4BtGv4a.jpg'],
      [3, 'media/postsMedia/image_ZQShws8.jpg'],
    ];
    const all = [
      ...(await get('/api/posts/post/3')).media_files,
      ...(await get('/api/posts/post/10')).media_files,
    ];
    for (const [id, path] of files) {
      const media = all.find((file: { id: number }) => file.id === id);
      expect(media.filename).toBe('');
      await expectSamePicture(await fetchBytes(server, media.file), join(originalSite.media, path));
    }
    for (const { id, profile_picture, cover_image } of original('select * from Users_profile')) {
      const profile = await get(`/api/users/user/${String(id)}/`);
      await expectSamePicture(
        await fetchBytes(server, profile.profile_picture),
        join(originalSite.media, String(profile_picture)),
        { isCut: true },
      );
      if (cover_image === 'default_profile_picture.png')
        expect(profile.cover_image).toBe('/media/default_cover_image.png');
      else
        await expectSamePicture(
          await fetchBytes(server, profile.cover_image),
          join(originalSite.media, String(cover_image)),
        );
    }
  });

  test('has its pictures made for every screen', async () => {
    await server.app.worker.idle();
    const media = (await get('/api/posts/post/3')).media_files;
    for (const { sources, blurhash, width } of media) {
      expect(sources.map(({ type }: { type: string }) => type)).toContain('image/webp');
      expect([blurhash.length, width > 0]).toEqual([28, true]);
    }
    const { auhtor } = await get('/api/posts/post/3');
    expect(auhtor.profile_picture_sources[0].type).toBe('image/webp');
  }, 90_000);

  test('has its video encoded', async () => {
    const media = await vi.waitFor(
      async () => {
        const [file] = (await get('/api/posts/post/8')).media_files;
        expect(file.hls_url).not.toBeNull();
        return file;
      },
      { timeout: 60_000, interval: 100 },
    );
    expect(media.id).toBe(5);
    expect(media.filename).toBe('8-yuki-mori-11/22/2026, 4:15:56 PM-k3v9q0x2ab-two seconds.mp4');
    expect((await call(server.base, media.hls_url)).text).toContain('#EXTM3U');
  }, 90_000);

  test('goes on counting above everything that was ever there', async () => {
    const author: Person = { username: '', password: '', id: 1, refresh: '', access: token };
    const newest = Math.max(...(await rows('select id from posts')).map((row) => Number(row['id'])));
    expect(await say(server.base, author, 'the first one here')).toBeGreaterThan(newest);
    expect((await signUp(server.base, { username: 'newcomer' })).id).toBe(7);
  });

  test('comes a second time without changing anything, not even what was undone here since', async () => {
    await call(server.base, '/api/posts/post/delete/1/', { token });
    await call(server.base, '/api/posts/post/add/like/', { token, body: { postID: 2 } });
    await server.app.worker.idle();
    const before = await readContents(server.dataDir);
    const again = await moveIn(server.app);
    expect(again.tables.map(({ taken }) => taken)).toEqual(again.tables.map(() => 0));
    expect(again.tables.map(({ there }) => there)).toEqual(Object.values(counts).map(([, taken]) => taken));
    expect(await readContents(server.dataDir)).toEqual(before);
  });
});

const epoch = (text: unknown): number => Date.parse(`${String(text).replace(' ', 'T').slice(0, 23)}Z`);

async function fetchBytes({ base }: TestServer, path: string): Promise<Buffer> {
  const response = await fetch(base + path);
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}

/** Equal but for what encoding afresh loses: two of these pictures differ by 50 and more. An avatar is cut to a square. */
async function expectSamePicture(bytes: Buffer, path: string, { isCut = false } = {}): Promise<void> {
  const look = async (source: Buffer | string) =>
    sharp(source)
      .flatten({ background: 'black' })
      .resize(32, 32, { fit: isCut ? 'cover' : 'fill' })
      .removeAlpha()
      .raw()
      .toBuffer();
  const [ours, theirs] = await Promise.all([look(bytes), look(path)]);
  const difference = ours.reduce((sum, value, index) => sum + Math.abs(value - (theirs[index] ?? 0)), 0);
  expect(difference / ours.length).toBeLessThan(20);
}
