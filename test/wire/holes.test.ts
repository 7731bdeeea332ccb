// The holes of the original backend, one test each, which fails when the hole is back. Their numbers are those of the
// list in the wire contract. The list goes on in `holes-continued.test.ts`; the other files here look at each subject in full.
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Answer,
  asDataUrl,
  call,
  form,
  join,
  type Person,
  say,
  sendChunk,
} from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { knock, listen } from '../support/likes-socket.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { recordStatements } from '../support/statements.ts';

let server: TestServer;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  server = await startServer({ MAX_MEDIA_PER_POST: '3' });
  ann = await join(server.base);
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const get = (path: string, person: Person | undefined = ann): Promise<Answer> =>
  call(server.base, path, { token: person.access });
const getUnsigned = (path: string): Promise<Answer> => call(server.base, path);
const post = (path: string, body: unknown, person = ann): Promise<Answer> =>
  call(server.base, `/api/posts/post/${path}/`, { token: person.access, body });
// oxlint-disable-next-line typescript/no-explicit-any
const read = async (id: number): Promise<any> => (await getUnsigned(`/api/posts/post/${id}/`)).json;
const tell = (text = 'a post', person = ann): Promise<number> => say(server.base, person, text);
const upload = (filename: string, bytes: Buffer, person = ann): Promise<Answer> =>
  sendChunk(server.base, person, { filename, bytes });
const makePicture = async (): Promise<string> =>
  asDataUrl(
    await sharp({ create: { width: 9, height: 9, channels: 3, background: 'teal' } })
      .png()
      .toBuffer(),
  );
const addPicture = async (postID: number, person = ann): Promise<Answer> =>
  post('add/media/image', { postID, imageBase64: await makePicture() }, person);

test('hole 1: nobody acts in the name that a body gives', async () => {
  const name = { authorName: bob.username, author: bob.id, authorID: bob.id };
  const { post_id: postID } = (await post('create', { ...name, description: 'mine' })).json;
  await post('add/like', { ...name, postID });
  await post('add/comment', { ...name, postID, commentContent: 'mine' });
  const [{ id: commentID }] = (await read(postID)).comments;
  await post('add/reply', { ...name, postID, commentID, commentContent: 'mine' });
  await post('add/comment/like', { ...name, postID, commentID });
  const { auhtor, likes, comments } = await read(postID);
  const [comment] = comments;
  const people = [auhtor, likes[0], comment.author, comment.likes[0], comment.replyes[0].author];
  expect(people.map(({ id }) => id)).toEqual(Array(5).fill(ann.id));
  const update = { token: ann.access, body: { userID: bob.id, profile_image: await makePicture() } };
  expect((await call(server.base, '/api/users/author/update/', update)).status).toBe(403);
});

test('hole 2: nobody edits the post of another', async () => {
  const [id] = [await tell('kept'), await tell()];
  await addPicture(id);
  const [{ id: mediaId }] = (await read(id)).media_files;
  const theft = { description: 'taken', existingPostId: id, deleteImages: [mediaId] };
  expect((await post('create', theft, bob)).status).toBe(403);
  await post(
    'create',
    { description: 'mine', existingPostId: await tell('own', bob), deleteImages: [mediaId] },
    bob,
  );
  expect(await read(id)).toMatchObject({ description: 'kept', media_files: [{ id: mediaId }] });
});

test('hole 3: nobody adds media to the post of another, or the media of another to a post', async () => {
  const [mine, his] = [await tell(), await tell('his', bob)];
  const { id: videoID } = (await upload('hole 3.mp4', makeFile(100))).json;
  expect((await addPicture(his)).status).toBe(403);
  expect((await post('add/media/video/finalize', { postID: his, videoID })).status).toBe(403);
  expect((await post('add/media/video/finalize', { postID: his, videoID }, bob)).status).toBe(404);
  for (const id of [mine, his]) expect((await read(id)).media_files).toEqual([]);
});

test('hole 4: an upload is of its owner, whatever its name, and closed once it is finalized', async () => {
  const [mine, his] = [makeFile(100), makeFile(200)];
  const { id: videoID } = (await upload('same name.mp4', mine)).json;
  expect((await upload('same name.mp4', his, bob)).json.id).not.toBe(videoID);
  const postID = await tell();
  await post('add/media/video/finalize', { postID, videoID });
  expect((await upload('same name.mp4', makeFile(50))).status).toBe(409);
  const [{ file }] = (await read(postID)).media_files;
  expect(Buffer.from(await (await fetch(server.base + file)).arrayBuffer()).equals(mine)).toBe(true);
});

test('hole 5: no name and no label of a client becomes a path or a type', async () => {
  const { json } = await upload('../../evil.html', makeFile(100));
  expect(json.file).toMatch(/^\/media\/videos\/[0-9a-f]{32}\.mp4$/);
  const page = asDataUrl(Buffer.from('<script>alert(1)</script>'), 'text/html');
  const update = (profile_image: string) => ({ token: ann.access, body: { userID: ann.id, profile_image } });
  expect((await call(server.base, '/api/users/author/update/', update(page))).status).toBe(400);
  const labelled = (await makePicture()).replace(/^data:[^;]*/, 'data:text/html');
  const { user } = (await call(server.base, '/api/users/author/update/', update(labelled))).json;
  const shown = await fetch(server.base + user.profile_picture);
  expect(shown.headers.get('content-type')).toBe('image/jpeg');
  expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
});

test('hole 6: bytes decide what a file is, and sizes, counts and names have limits', async () => {
  const id = await tell();
  for (const bytes of [Buffer.from('GIF89a or so'), Buffer.from('<svg/>'), makeFile(500)])
    expect(
      (await post('add/media/image', { postID: id, imageBase64: asDataUrl(bytes, 'image/png') })).status,
    ).toBe(400);
  const { id: videoID } = (await upload('page.mp4', Buffer.from('<html>'))).json;
  expect((await post('add/media/video/finalize', { postID: id, videoID })).status).toBe(415);
  for (let count = 0; count < 3; count += 1) expect((await addPicture(id)).status).toBe(200);
  expect((await addPicture(id)).status).toBe(409);
  expect((await upload('x'.repeat(1_001), makeFile(9))).status).toBe(400);
  const long = {
    username: 'x'.repeat(151),
    first_name: 'A',
    last_name: 'B',
    email: 'l@e.org',
    password: 'Quiet-Harbour-41',
  };
  expect((await call(server.base, '/api/users/user/register/', { body: form(long) })).status).toBe(400);
});

test('hole 7: no e-mail address, account id or follower list of anybody in what others see', async () => {
  using listener = await listen(server.base);
  await get(`/api/users/user/follower/add/${bob.id}/`);
  const postID = await tell('private parts', bob);
  await post('add/comment', { postID, commentContent: 'x' }, bob);
  await post('add/like', { postID }, bob);
  await listener.until((frame) => frame.post_id === postID && frame.post.likes.length === 1);
  const found = (await getUnsigned('/api/posts/post/search?q=private')).text;
  for (const text of [
    found,
    JSON.stringify(await read(postID)),
    JSON.stringify(listener.frames.at(-1)),
    (await get('/api/posts/')).text,
  ]) {
    expect(text).not.toContain('@');
    expect(text).not.toMatch(/"user":[1-9]|"followers":\[\d/);
  }
  expect((await get(`/api/users/user/${bob.id}/`)).json).toMatchObject({
    email: '',
    user: 0,
    followers: [ann.id],
  });
});

test('hole 8: no page of another origin listens', async () => {
  expect(await knock(server.base, { headers: { origin: 'https://evil.example' } })).toBe(403);
});

test('hole 9: a GET deletes and follows for a bearer only, and never as a HEAD', async () => {
  const id = await tell();
  for (const path of [`/api/posts/post/delete/${id}`, `/api/users/user/follower/add/${ann.id}/`]) {
    expect((await call(server.base, path, { headers: { cookie: `token=${bob.access}` } })).status).toBe(401);
    expect((await call(server.base, path, { method: 'HEAD', token: ann.access })).status).toBe(405);
  }
  expect((await read(id)).id).toBe(id);
});

test('hole 10: editing and deleting without a header are 401', async () => {
  const id = await tell();
  for (const route of ['edit', 'delete'])
    expect((await getUnsigned(`/api/posts/post/${route}/${id}`)).status).toBe(401);
});

test('hole 11: besides the toggle a like can be put, and a retry of that undoes nothing', async () => {
  const id = await tell();
  const put = { method: 'PUT', token: ann.access };
  for (let retry = 0; retry < 2; retry += 1) await call(server.base, `/api/posts/post/${id}/like/`, put);
  expect((await read(id)).likes).toHaveLength(1);
});

test('hole 12: a page of busy posts asks the database no more than one of bare posts', async () => {
  for (let count = 0; count < 4; count += 1) {
    const postID = await tell('busy');
    for (const commentContent of ['a', 'b', 'c']) await post('add/comment', { postID, commentContent }, bob);
    for (const person of [ann, bob]) await post('add/like', { postID }, person);
  }
  const busy = await countStatements(() => get('/api/posts/'));
  for (let count = 0; count < 4; count += 1) await tell('bare');
  expect(await countStatements(() => get('/api/posts/'))).toBe(busy);
  expect(busy).toBeLessThanOrEqual(8);
});

test('hole 13: lists have an end', async () => {
  await insertPosts(300);
  expect((await get(`/api/users/user/posts/${bob.id}/`)).json).toHaveLength(200);
  expect((await getUnsigned('/api/posts/post/search?q=')).json).toHaveLength(40);
});

test('hole 14: the newest post is first', async () => {
  const [older, newer] = [await tell('older'), await tell('newer')];
  const [first, second] = (await get('/api/posts/?page=1')).json;
  expect([first.id, second.id]).toEqual([newer, older]);
});

test('hole 15: comments, replies and the likes of both are answered 200 and sent live', async () => {
  using listener = await listen(server.base);
  const postID = await tell();
  const expectLive = async (path: string, body: object): Promise<void> => {
    expect((await post(path, { postID, ...body }, bob)).status).toBe(200);
    const text = JSON.stringify(await read(postID));
    await listener.until((frame) => JSON.stringify(frame.post) === text);
  };
  await expectLive('add/comment', { commentContent: 'x' });
  const [{ id: commentID }] = (await read(postID)).comments;
  await expectLive('add/reply', { commentID, commentContent: 'x' });
  await expectLive('add/comment/like', { commentID });
  await expectLive('add/reply/like', { commentID: (await read(postID)).comments[0].replyes[0].id });
});

/** Without the worker's own looks at the queue. */
const countStatements = async (work: () => Promise<unknown>): Promise<number> =>
  (await recordStatements(work)).filter(({ text }) => !text.includes('"jobs"')).length;

/** Old posts of Bob, past the server. Answers their ids. */
async function insertPosts(count: number): Promise<number[]> {
  const numbers =
    'with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < cast(? as integer))';
  const posts = `insert into posts (author_id, text, created_at) ${numbers} select cast(? as integer), 'old', n from numbers returning id`;
  return (await ask<{ id: number }>(server.dataDir, posts, count, bob.id)).map(({ id }) => id);
}
