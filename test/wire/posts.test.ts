// `/api/posts/`: the feed, one post, creating, editing with detaching of media, deleting.
import { stat } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, asDataUrl, call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask, onPostgres } from '../support/site-data.ts';

let server: TestServer;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const get = (path: string, person: Person | undefined = ann): Promise<Answer> =>
  call(server.base, path, { token: person?.access });
const getUnsigned = (path: string): Promise<Answer> => call(server.base, path);
const post = (path: string, body: unknown, person: Person = ann): Promise<Answer> =>
  call(server.base, `/api/posts/post/${path}/`, { token: person.access, body });
const textOf = async (id: number): Promise<string> =>
  (await getUnsigned(`/api/posts/post/${id}/`)).json.description;

const POST_KEYS = 'auhtor comments date_created date_modified description id likes media_files';
const PROFILE_KEYS =
  'bio cover_image created_at email firstname followers id lastname profile_picture user username';
const keysOf = (object: object): string => Object.keys(object).toSorted().join(' ');

describe('one post', () => {
  test('is created with the sentence that the client compares and its id', async () => {
    const answer = await post('create', {
      authorName: ann.username,
      description: 'plain words',
      mediaFiles: [{}],
      existingPostId: '',
      deleteImages: [],
    });
    expect(answer.status).toBe(201);
    expect(answer.json).toEqual({ message: 'Post created successfully', post_id: expect.any(Number) });
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  test('has exactly the keys of the wire, with empty lists present', async () => {
    const id = await say(server.base, ann, '');
    const { status, json, headers } = await getUnsigned(`/api/posts/post/${id}/`);
    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('application/json');
    expect(keysOf(json)).toBe(POST_KEYS);
    expect(keysOf(json.auhtor)).toBe(PROFILE_KEYS);
    expect(json).toMatchObject({ id, description: '', media_files: [], likes: [], comments: [] });
    expect(json.auhtor).toMatchObject({
      ...{ id: ann.id, username: ann.username, firstname: 'Ann', lastname: 'Lee', bio: '' },
      profile_picture: '/media/default_profile_picture.png',
    });
    expect(json.date_created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    expect(json.date_modified).toBe(json.date_created);
  });

  test('has no e-mail address, account id or followers of anybody, not even for its author', async () => {
    const id = await say(server.base, ann, 'hello');
    const { json } = await get(`/api/posts/post/${id}/`);
    expect(json.auhtor).toMatchObject({ email: '', user: 0, followers: [] });
  });

  test('is answered directly in both forms of its address', async () => {
    const id = await say(server.base, ann, 'slashes');
    for (const slash of ['', '/']) {
      expect(await get(`/api/posts/post/${id}${slash}`)).toMatchObject({ status: 200, json: { id } });
      expect(await get(`/api/posts/post/edit/${id}${slash}`)).toMatchObject({ status: 200, json: { id } });
      const gone = await say(server.base, ann, 'to be deleted');
      expect(await get(`/api/posts/post/delete/${gone}${slash}`)).toMatchObject({ status: 200, json: '200' });
    }
  });

  test('that does not exist is said so in the words of each route', async () => {
    for (const slash of ['', '/']) {
      expect(await getUnsigned(`/api/posts/post/999999${slash}`)).toMatchObject({
        status: 404,
        json: { error: 'Post not found' },
      });
      for (const route of ['edit', 'delete'])
        expect(await get(`/api/posts/post/${route}/999999${slash}`)).toMatchObject({
          status: 404,
          json: { detail: 'Not found.' },
        });
    }
  });

  test('is public, but a bad token is refused all the same', async () => {
    const id = await say(server.base, ann, 'public');
    const answer = await call(server.base, `/api/posts/post/${id}/`, { token: 'decryptedAccessToken' });
    expect(answer).toMatchObject({ status: 401, json: { code: 'token_not_valid' } });
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="api"');
  });

  test('has one spelling of its id only', async () => {
    const id = await say(server.base, ann, 'one spelling');
    const spellings = [
      ...[`0x${id.toString(16)}`, `${id}.0`, `+${id}`, `%2B${id}`, `${id}abc`, `0${id}`, `-${id}`, `${id}e0`],
      ...[`%20${id}`, `${id}%20`, `${id}%00`, `%00${id}`, `${id}%0a`, `٣`, `${2n ** 64n + BigInt(id)}`],
      ...[String(2 ** 53 + id), '18446744073709551616', '9'.repeat(290), '0', 'NaN', 'null', '%00'],
    ];
    for (const spelling of spellings) {
      for (const route of ['', 'edit/', 'delete/']) {
        const { status } = await get(`/api/posts/post/${route}${spelling}/`);
        expect([400, 404], `${route}${spelling}`).toContain(status);
      }
      const edited = await post('create', { description: 'other', existingPostId: spelling });
      expect(edited.status, `existingPostId ${spelling}`).toBe(400);
    }
    expect(await textOf(id)).toBe('one spelling');
  });
});

describe('the feed', () => {
  test('is newest first in pages of four, every post once, empty past the end', async () => {
    await using own = await startServer();
    const reader = await join(own.base, { username: 'reader' });
    const read = async (query: string): Promise<number[]> => {
      const { status, json } = await call(own.base, `/api/posts/${query}`, { token: reader.access });
      expect(status).toBe(200);
      return json.map(({ id }: { id: number }) => id);
    };
    expect(await read('?page=1')).toEqual([]);
    const ids: number[] = [];
    for (let count = 0; count < 10; count += 1) ids.unshift(await say(own.base, reader, `post ${count}`));

    expect(await read('')).toEqual(ids.slice(0, 4));
    expect(await read('?page=1')).toEqual(ids.slice(0, 4));
    expect(await read('?page=2')).toEqual(ids.slice(4, 8));
    expect(await read('?page=3')).toEqual(ids.slice(8));
    for (const beyond of ['4', '999999', '999999999']) expect(await read(`?page=${beyond}`)).toEqual([]);
    const none = ['0', '-1', 'abc', '', '1.5', '1e309', '9223372036854775808', '1&page=2', '%00', '[]', '०'];
    for (const page of none) expect(await read(`?page=${page}`), page).toEqual(ids.slice(0, 4));
    expect(await read('?page[]=2&page_size=100000&limit=100000')).toEqual(ids.slice(0, 4));
  });

  test('is a bare array of posts and asks for a token', async () => {
    await say(server.base, ann, 'feed');
    const { json } = await get('/api/posts/?page=1');
    expect(keysOf(json[0])).toBe(POST_KEYS);
    expect(await getUnsigned('/api/posts/?page=1')).toMatchObject({
      status: 401,
      json: { detail: 'Authentication credentials were not provided.' },
    });
  });
});

describe('editing', () => {
  test('replaces the text, keeps the place in the feed and answers as creating does', async () => {
    const id = await say(server.base, ann, 'before');
    const newer = await say(server.base, ann, 'newer');
    const before = (await get(`/api/posts/post/${id}/`)).json;
    for (const spelling of [id, String(id)]) {
      const answer = await post('create', {
        description: `after ${typeof spelling}`,
        existingPostId: spelling,
      });
      expect(answer.status).toBe(201);
      expect(answer.json).toEqual({ message: 'Post created successfully', post_id: id });
      expect(await textOf(id)).toBe(`after ${typeof spelling}`);
    }
    const after = (await get(`/api/posts/post/${id}/`)).json;
    expect(after.date_created).toBe(before.date_created);
    expect(Date.parse(after.date_modified)).toBeGreaterThanOrEqual(Date.parse(before.date_modified));
    const feed = (await get('/api/posts/')).json.map((entry: { id: number }) => entry.id);
    expect(feed.slice(0, 2)).toEqual([newer, id]);
  });

  test('is for the author: others get 403, the edit page 404, and nothing changes', async () => {
    const id = await say(server.base, ann, 'mine');
    for (const spelling of [id, String(id)]) {
      const body = { authorName: ann.username, description: 'taken over', existingPostId: spelling };
      expect((await post('create', body, bob)).status).toBe(403);
    }
    expect((await post('create', { description: 'none', existingPostId: 999_999 })).status).toBe(404);
    const [foreign, unknown] = [id, 999_999].map((it) => get(`/api/posts/post/edit/${it}`, bob));
    expect(await foreign).toMatchObject({ status: 404, json: { detail: 'Not found.' } });
    expect((await unknown)?.text).toBe((await foreign)?.text);
    expect(await textOf(id)).toBe('mine');
  });

  test('detaches the media it names: rows and files go, the others keep their order', async () => {
    const id = await say(server.base, ann, 'pictures');
    const foreign = await say(server.base, bob, 'a picture of another');
    for (const colour of ['red', 'green', 'blue']) await addPicture(id, colour);
    await addPicture(foreign, 'white', bob);
    const [red, green, blue] = (await get(`/api/posts/post/${id}/`)).json.media_files;
    const [white] = (await get(`/api/posts/post/${foreign}/`)).json.media_files;

    const deleteImages = [green.id, String(red.id), white.id, 999_999, green.id];
    expect((await post('create', { description: 'one', existingPostId: id, deleteImages })).status).toBe(201);
    await addPicture(id, 'black');
    const left = (await get(`/api/posts/post/${id}/`)).json.media_files;
    expect(left).toEqual([
      { ...blue, sources: expect.any(Array) },
      expect.objectContaining({ hls_url: null, filename: '' }),
    ]);
    await server.app.worker.idle();
    expect((await getUnsigned(green.file)).status).toBe(404);
    await expect(stat(joinPath(server.dataDir, green.file))).rejects.toThrow('ENOENT');
    for (const kept of [blue, white]) expect((await getUnsigned(kept.file)).status).toBe(200);
    expect(await countRows('media where id in (?, ?)', red.id, green.id)).toBe(0);
  });

  test('with what an edit page kept of its last save does no harm', async () => {
    const id = await say(server.base, ann, 'saved twice');
    await addPicture(id, 'red');
    const [media] = (await get(`/api/posts/post/${id}/`)).json.media_files;
    const body = { description: '', existingPostId: id, deleteImages: [media.id], mediaFiles: [{}, media] };
    for (let save = 0; save < 2; save += 1) expect((await post('create', body)).status).toBe(201);
    expect(await textOf(id)).toBe('');
  });
});

describe('deleting', () => {
  test('answers the JSON string "200" and leaves neither rows nor files', async () => {
    const id = await say(server.base, ann, 'short-lived');
    await addPicture(id, 'red');
    await post('add/comment', { postID: id, commentContent: 'a comment' }, bob);
    const [comment] = (await get(`/api/posts/post/${id}/`)).json.comments;
    await post('add/reply', { postID: id, commentID: comment.id, commentContent: 'a reply' });
    await post('add/like', { postID: id }, bob);
    await post('add/comment/like', { postID: id, commentID: comment.id }, bob);
    const [media] = (await get(`/api/posts/post/${id}/`)).json.media_files;

    const answer = await get(`/api/posts/post/delete/${id}`);
    expect(answer).toMatchObject({ status: 200, text: '"200"' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect((await getUnsigned(`/api/posts/post/${id}/`)).status).toBe(404);
    expect((await get(`/api/posts/post/delete/${id}`)).status).toBe(404);
    expect((await post('add/comment/like', { postID: id, commentID: comment.id })).status).toBe(404);
    await server.app.worker.idle();
    expect((await getUnsigned(media.file)).status).toBe(404);
    expect(await countRows('posts where id = ? or root_id = ?', id, id)).toBe(0);
    expect(await countRows('likes where post_id not in (select id from posts)')).toBe(0);
    expect(await countRows('media where id = ?', media.id)).toBe(0);
    expect(await countRows(`post_terms where ${onPostgres ? 'id' : 'rowid'} = ?`, id)).toBe(0);
  });

  test('of a post of somebody else answers the JSON string "404" and deletes nothing', async () => {
    const id = await say(server.base, ann, 'not yours');
    const answer = await get(`/api/posts/post/delete/${id}`, bob);
    expect(answer).toMatchObject({ status: 200, text: '"404"' });
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(await textOf(id)).toBe('not yours');
  });

  test('needs a GET with a bearer token: HEAD, other verbs and strangers change nothing', async () => {
    const id = await say(server.base, ann, 'stays');
    for (const slash of ['', '/']) {
      const path = `/api/posts/post/delete/${id}${slash}`;
      expect((await getUnsigned(path)).status).toBe(401);
      expect((await call(server.base, path, { headers: { cookie: `access=${ann.access}` } })).status).toBe(
        401,
      );
      for (const method of ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
        expect((await call(server.base, path, { method, token: ann.access })).status, method).toBe(405);
    }
    expect(await textOf(id)).toBe('stays');
  });

  test('has a verb of its own beside the GET', async () => {
    const id = await say(server.base, ann, 'by verb');
    const remove = (person?: Person): Promise<Answer> =>
      call(server.base, `/api/posts/post/${id}/`, { method: 'DELETE', token: person?.access });
    expect((await remove()).status).toBe(401);
    expect((await remove(bob)).status).toBe(403);
    expect((await remove(ann)).status).toBe(204);
    expect((await remove(ann)).status).toBe(404);
  });

  test('twice at once succeeds once', async () => {
    const id = await say(server.base, ann, 'deleted twice');
    const answers = await Promise.all(Array.from({ length: 8 }, () => get(`/api/posts/post/delete/${id}`)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 404)).toHaveLength(7);
  });

  test('against likes and comments on it leaves nothing behind', async () => {
    for (let round = 0; round < 5; round += 1) {
      const id = await say(server.base, ann, 'contested');
      const others = Array.from({ length: 12 }, (_, count) =>
        count % 2 === 0
          ? post('add/like', { postID: id }, count % 4 === 0 ? ann : bob)
          : post('add/comment', { postID: id, commentContent: `${count}` }, bob),
      );
      const [removed, ...answers] = await Promise.all([get(`/api/posts/post/delete/${id}`), ...others]);
      expect(removed).toMatchObject({ status: 200, text: '"200"' });
      for (const { status } of answers) expect([200, 404]).toContain(status);
      expect(await countRows('posts where id = ? or root_id = ?', id, id)).toBe(0);
      expect(await countRows('likes where post_id = ?', id)).toBe(0);
      expect((await post('add/like', { postID: id })).status).toBe(404);
    }
  });
});

async function addPicture(postID: number, background: string, person = ann): Promise<void> {
  const create = { width: 8, height: 8, channels: 3 as const, background };
  const imageBase64 = asDataUrl(await sharp({ create }).png().toBuffer(), 'image/png');
  expect((await post('add/media/image', { postID, imageBase64 }, person)).status).toBe(200);
}

async function countRows(from: string, ...values: number[]): Promise<number> {
  const [row] = await ask<{ count: number }>(
    server.dataDir,
    `select count(*) as count from ${from}`,
    ...values,
  );
  return row?.count ?? -1;
}
