// `/ws/posts/`: what authors do is told there, besides what the original's socket tells.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PICTURE } from '../access/pictures.ts';
import { type Answer, call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { ALL_POSTS, knock, listen, type Frame } from '../support/likes-socket.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  server = await startServer();
  // Of the sizes that are made of a picture nobody is told: posts would differ from what was.
  await server.app.worker.stop();
  [ann, bob] = [await join(server.base), await join(server.base)];
});
afterAll(() => server[Symbol.asyncDispose]());

const send = (path: string, body: unknown, person = ann): Promise<Answer> =>
  call(server.base, `/api/posts/post/${path}/`, { token: person.access, body });
const remove = (id: number, { access }: Person): Promise<Answer> =>
  call(server.base, `/api/posts/post/${id}/`, { method: 'DELETE', token: access });
// oxlint-disable-next-line typescript/no-explicit-any
const read = async (id: number): Promise<any> => (await call(server.base, `/api/posts/post/${id}/`)).json;
const isOf = (id: number) => (frame: Frame) => frame.post_id === id;

test('a post is told when it is new, edited, adorned and described, whole and as everybody sees it', async () => {
  using listener = await listen(server.base, ALL_POSTS);
  const postID = await say(server.base, ann, 'new');
  const expectFrame = async (): Promise<void> => {
    const post = await read(postID);
    await listener.until((frame) => JSON.stringify(frame) === JSON.stringify({ post_id: postID, post }));
  };
  await expectFrame();
  await send('create', { description: 'edited', existingPostId: postID });
  await expectFrame();
  await send('add/media/image', { postID, imageBase64: PICTURE });
  await expectFrame();
  const [{ id }] = (await read(postID)).media_files;
  await call(server.base, `/api/posts/post/media/${id}/`, {
    ...{ method: 'PATCH', token: ann.access, body: { alt: 'a dot' } },
  });
  await expectFrame();
  await send('create', { description: 'bare again', existingPostId: postID, deleteImages: [id] });
  await expectFrame();
  const head = Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex');
  const { json } = await sendChunk(server.base, ann, { filename: 'clip.mp4', bytes: head });
  await send('add/media/video/finalize', { postID, videoID: json.id });
  await listener.until(({ post }) => post?.media_files.length === 1);
  expect(listener.frames.every(isOf(postID))).toBe(true);
});

test('likes and comments are told as on the other socket', async () => {
  const postID = await say(server.base, ann, 'liked');
  using listener = await listen(server.base, ALL_POSTS);
  await send('add/like', { postID }, bob);
  await listener.until(({ post_id, post }) => post_id === postID && post.likes.length === 1);
  await send('add/comment', { postID, commentContent: 'well said' }, bob);
  await listener.until(({ post_id, post }) => post_id === postID && post.comments.length === 1);
  const [{ id }] = (await read(postID)).comments;
  await remove(id, bob);
  await listener.until(
    ({ post_id, post }) => post_id === postID && post.comments.length === 0 && post.likes.length === 1,
  );
  // A comment that is gone is no post that is.
  expect(listener.frames.filter(({ post }) => post === null)).toEqual([]);
});

test('a post that is gone is told with nothing in its place, by whoever took it away', async () => {
  const [own, other] = [await say(server.base, ann, 'own'), await say(server.base, bob, "bob's")];
  using listener = await listen(server.base, ALL_POSTS);
  using classic = await listen(server.base);
  await remove(own, ann);
  await listener.until((frame) => frame.post_id === own && frame.post === null);
  await server.app.posts.departures.remove({ username: bob.username });
  await listener.until((frame) => frame.post_id === other && frame.post === null);
  expect((await classic.settle(ann)).filter(({ post }) => post === null)).toEqual([]);
});

test('a page of another origin is refused, and both sockets count as connections of an address', async () => {
  expect(await knock(server.base, { path: ALL_POSTS, headers: { origin: 'http://evil.example' } })).toBe(403);
  expect((await call(server.base, ALL_POSTS)).status).toBe(426);
  await using small = await startServer({ MAX_SOCKETS_PER_ADDRESS: '2' });
  using one = await listen(small.base);
  using two = await listen(small.base, ALL_POSTS);
  for (const path of [ALL_POSTS, '/ws/posts/likes/']) expect(await knock(small.base, { path })).toBe(429);
  expect([one, two].map(({ socket }) => socket.readyState)).toEqual([1, 1]);
});
