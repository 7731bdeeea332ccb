// The holes of the original backend from the sixteenth on; `holes.test.ts` has those before.
import { readFile } from 'node:fs/promises';
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
import { makeFile, openConnection } from '../support/classic-uploads.ts';
import { knock, listen } from '../support/likes-socket.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask, listBlobs } from '../support/site-data.ts';
import { recordStatements } from '../support/statements.ts';
import { makeVideo } from '../support/videos.ts';

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
  call(server.base, path, { token: person.access });
const getUnsigned = (path: string): Promise<Answer> => call(server.base, path);
const post = (path: string, body: unknown, person = ann): Promise<Answer> =>
  call(server.base, `/api/posts/post/${path}/`, { token: person.access, body });
// oxlint-disable-next-line typescript/no-explicit-any
const read = async (id: number): Promise<any> => (await getUnsigned(`/api/posts/post/${id}/`)).json;
const tell = (text = 'a post'): Promise<number> => say(server.base, ann, text);
const upload = (filename: string, bytes: Buffer): Promise<Answer> =>
  sendChunk(server.base, ann, { filename, bytes });
const makePicture = async (): Promise<string> =>
  asDataUrl(
    await sharp({ create: { width: 9, height: 9, channels: 3, background: 'teal' } })
      .png()
      .toBuffer(),
  );
const addPicture = async (postID: number): Promise<Answer> =>
  post('add/media/image', { postID, imageBase64: await makePicture() });

test(
  'hole 16: a video becomes adaptive by itself; one that cannot is kept as it is',
  { timeout: 90_000 },
  async () => {
    const path = await makeVideo({ directory: server.dataDir, width: 320, height: 180, seconds: 1 });
    const postID = await tell();
    for (const [name, bytes] of Object.entries({
      'good.mp4': await readFile(path),
      'bad.mp4': makeFile(900),
    }))
      await post('add/media/video/finalize', { postID, videoID: (await upload(name, bytes)).json.id });
    await server.app.worker.idle();
    const [played, kept] = (await read(postID)).media_files;
    expect((await getUnsigned(played.hls_url)).status).toBe(200);
    expect(kept.hls_url).toBeNull();
    for (const { file } of [played, kept]) expect((await getUnsigned(file)).status).toBe(200);
  },
);

test('hole 17: a part of a file is answered with that part', async () => {
  const headers = { range: 'bytes=8-15' };
  const postID = await tell();
  await addPicture(postID);
  const [{ file }] = (await read(postID)).media_files;
  const part = await call(server.base, file, { headers });
  expect(part.status).toBe(206);
  expect(part.headers.get('content-range')).toMatch(/^bytes 8-15\/\d+$/);
});

test('hole 18: a like is loaded once, however many listen', async () => {
  const load = async (count: number): Promise<number> => {
    const listeners = await Promise.all(Array.from({ length: count }, () => listen(server.base)));
    const postID = await tell();
    // The worker's statements would count too.
    await server.app.worker.idle();
    const statements = await recordStatements(async () => {
      await post('add/like', { postID });
      for (const listener of listeners) await listener.until((frame) => frame.post_id === postID);
    });
    for (const listener of listeners) listener[Symbol.dispose]();
    return statements.filter(({ text }) => /^select .*"posts"/is.test(text)).length;
  };
  const once = await load(1);
  expect(once).toBeGreaterThan(0);
  expect(await load(30)).toBe(once);
});

test('hole 19: a sign-up that fails leaves nothing behind, and names are not empty', async () => {
  const fields = {
    username: 'atomic',
    email: 'atomic@example.org',
    password: 'Quiet-Harbour-41',
    last_name: 'Lee',
  };
  const signUp = (first_name: string, profile_image: string): Promise<Answer> =>
    call(server.base, '/api/users/user/register/', { body: form({ ...fields, first_name, profile_image }) });
  for (const bad of ['not a data URL', 'data:image/png;base64,AAAA'])
    expect((await signUp('A', bad)).status).toBe(400);
  expect((await signUp(' ', '')).status).toBe(400);
  expect((await call(server.base, '/api/users/user/token/', { body: form(fields) })).status).toBe(401);
  expect((await signUp('A', await makePicture())).status).toBe(201);
});

test('hole 20: no answer tells of the inside, and no foreign host is served', async () => {
  for (const path of ['/nothing', '/api/nothing/', '/media/nothing.jpg', '/api/posts/post/%zz', '/.env']) {
    const { status, text } = await getUnsigned(path);
    expect([400, 404], path).toContain(status);
    expect(text).not.toMatch(/\.ts|node_modules|at \w+ \(|SECRET|DEBUG|stack/);
  }
  expect(await knock(server.base, { path: '/api/posts/', headers: { host: 'evil.example' } })).toBe(400);
});

test('hole 21: guesses are limited, and a wrong password looks like an unknown name', async () => {
  await using strict = await startServer({ RATE_LIMIT_FACTOR: '0.2' });
  const person = await join(strict.base);
  const guess = (username: string): Promise<Answer> =>
    call(strict.base, '/api/users/user/token/', { body: form({ username, password: 'wrong' }) });
  const [known, unknown] = [await guess(person.username), await guess('nobody')];
  expect([known.status, known.text]).toEqual([401, unknown.text]);
  let last = known;
  for (let count = 0; count < 10 && last.status === 401; count += 1) last = await guess(person.username);
  expect(last.status).toBe(429);
  expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
});

test('hole 22: files that were replaced, detached or deleted are gone', async () => {
  const postID = await tell();
  for (let count = 0; count < 2; count += 1) await addPicture(postID);
  const [first, second] = (await read(postID)).media_files;
  const change = async (): Promise<string> => {
    const body = { userID: ann.id, cover_image: await makePicture() };
    return (await call(server.base, '/api/users/author/update/', { token: ann.access, body })).json.user
      .cover_image;
  };
  const [old, current] = [await change(), await change()];
  await post('create', { description: '', existingPostId: postID, deleteImages: [first.id] });
  await get(`/api/posts/post/delete/${postID}`);
  await server.app.worker.idle();
  for (const path of [old, first.file, second.file]) expect((await getUnsigned(path)).status).toBe(404);
  const blobs = await listBlobs(server.dataDir);
  expect(blobs).toContain(current.replace('/media/', ''));
  for (const path of [old, first.file, second.file]) expect(blobs).not.toContain(path.replace('/media/', ''));
});

test('hole 23: logging out, and being locked out, ends access tokens too', async () => {
  const [leaver, banned] = [await join(server.base), await join(server.base)];
  const refreshToken = leaver.refresh;
  await call(server.base, '/api/users/user/logout/', { token: leaver.access, body: { refreshToken } });
  await server.app.users.accounts.setSuspended({ username: banned.username, suspended: true });
  for (const person of [leaver, banned]) {
    expect((await get('/api/posts/', person)).status).toBe(401);
    const refresh = { body: { refresh: person.refresh } };
    expect((await call(server.base, '/api/users/user/token/refresh/', refresh)).status).toBe(401);
  }
});

test('hole 24: a page that is none is the first, and mistakes are no 500', async () => {
  await tell('on the first page');
  const first = (await get('/api/posts/?page=1')).text;
  expect(first).toContain('on the first page');
  for (const page of ['0', 'abc', '-1', ''])
    expect(await get(`/api/posts/?page=${page}`)).toMatchObject({ status: 200, text: first });
  expect((await post('add/like', { postID: 999_999 })).status).toBe(404);
  expect((await post('add/like', {})).status).toBe(400);
});

test('hole 25: a post that vanished before its frame closes nobody', async () => {
  using listener = await listen(server.base);
  const gone = await tell('gone');
  await post('add/like', { postID: gone });
  await Promise.all([post('add/like', { postID: gone }), get(`/api/posts/post/delete/${gone}`)]);
  const other = await tell('still here');
  for (const person of [ann, bob]) await post('add/like', { postID: other }, person);
  // The second frame of the other post comes a whole window after the first one's of the post that is gone.
  await listener.until((frame) => frame.post_id === other && frame.post.likes.length === 2);
  expect(listener.socket.readyState).toBe(listener.socket.OPEN);
});

test('hole 26: a chunk that comes again because its answer was lost is stored once', async () => {
  const [filename, file, chunk] = ['hole 26.mp4', makeFile(500), makeFile(700)];
  using one = openConnection(server.base, ann);
  using other = openConnection(server.base, ann);
  for (const bytes of [file, chunk]) await one.send({ filename, chunk: asDataUrl(bytes) });
  const { json } = await other.send({ filename, chunk: asDataUrl(chunk) });
  expect(await ask(server.dataDir, 'select "offset" from uploads where media_id = ?', json.id)).toEqual([
    { offset: 1_200 },
  ]);
});

test('hole 27: a listener that is slow for a while misses nothing', async () => {
  using listener = await listen(server.base);
  const ids = await insertPosts(150);
  listener.socket.pause();
  for (const postID of ids) await post('add/like', { postID });
  listener.socket.resume();
  for (const id of ids)
    await listener.until((frame) => frame.post_id === id && frame.post.likes.length === 1);
  expect(listener.frames.filter((frame) => ids.includes(frame.post_id))).toHaveLength(150);
});

/** Old posts of Bob, past the server. Answers their ids. */
async function insertPosts(count: number): Promise<number[]> {
  const numbers =
    'with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < cast(? as integer))';
  const posts = `insert into posts (author_id, text, created_at) ${numbers} select cast(? as integer), 'old', n from numbers returning id`;
  return (await ask<{ id: number }>(server.dataDir, posts, count, bob.id)).map(({ id }) => id);
}
