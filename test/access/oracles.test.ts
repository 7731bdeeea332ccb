// What is somebody else's and not for all to see is answered exactly as what is not there.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Answer, asDataUrl, call, form } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { invite, makeWorld, type World } from './world.ts';

const UNKNOWN = 999_999;

let server: TestServer;
let world: World;
beforeAll(async () => {
  server = await startServer();
  world = await makeWorld(server, await invite(server));
});
afterAll(() => server[Symbol.asyncDispose]());

/** By somebody who has nothing to do with it. */
const ask = (path: string, body?: unknown): Promise<Answer> =>
  call(server.base, path, { token: world.people.other.access, ...(body !== undefined && { body }) });
const post = (path: string, body: object): Promise<Answer> => ask(`/api/posts/post/${path}/`, body);
const signIn = (username: string): Promise<Answer> =>
  call(server.base, '/api/users/user/token/', { body: { username, password: 'Wrong-Harbour-42' } });
const chunk = (filename: string): Promise<Answer> =>
  ask('/api/posts/post/add/media/video/', form({ filename, chunk: asDataUrl(Buffer.from('mine')) }));
/** The file that an upload will be. */
const draftOf = async (filename: string): Promise<string> => {
  const fields = form({ filename, chunk: 'data:' });
  const token = world.people.owner.access;
  return (await call(server.base, '/api/posts/post/add/media/video/', { token, body: fields })).json.file;
};

const PAIRS: [what: string, forbidden: () => Promise<Answer>, missing: () => Promise<Answer>][] = [
  [
    'an upload, to finalize',
    () => post('add/media/video/finalize', { postID: world.ownPosts.other, videoID: world.uploadId }),
    () => post('add/media/video/finalize', { postID: world.ownPosts.other, videoID: UNKNOWN }),
  ],
  [
    'an upload, to look at',
    () => ask(`/api/uploads/${world.wholeId}`),
    () => ask(`/api/uploads/${'0'.repeat(32)}`),
  ],
  [
    'an upload, to finalize by its id',
    () => post('add/media/video/finalize', { postID: world.ownPosts.other, videoID: world.wholeId }),
    () => post('add/media/video/finalize', { postID: world.ownPosts.other, videoID: '0'.repeat(32) }),
  ],
  [
    'a file that is still on its way',
    async () => ask(await draftOf(world.uploadLabel)),
    () => ask(`/media/videos/${'0'.repeat(32)}.mp4`),
  ],
  [
    'the edit view of a post',
    () => ask(`/api/posts/post/edit/${world.postId}`),
    () => ask(`/api/posts/post/edit/${UNKNOWN}`),
  ],
  [
    'a comment, to read as a post',
    () => ask(`/api/posts/post/${world.commentId}/`),
    () => ask(`/api/posts/post/${UNKNOWN}/`),
  ],
  [
    'a comment, to edit as a post',
    () => post('create', { description: 'x', existingPostId: world.commentId }),
    () => post('create', { description: 'x', existingPostId: UNKNOWN }),
  ],
  [
    'a picture, to detach from a post of one’s own',
    () =>
      post('create', {
        description: 'x',
        existingPostId: world.ownPosts.other,
        deleteImages: [world.pictureId],
      }),
    () => post('create', { description: 'x', existingPostId: world.ownPosts.other, deleteImages: [UNKNOWN] }),
  ],
  ['an account, to sign in to', () => signIn(world.people.owner.username), () => signIn('nobody')],
  ['an account that is locked', () => signIn(world.people.suspended.username), () => signIn('nobody')],
];

test.each(PAIRS)('%s', async (_, forbidden, missing) => {
  const [one, other] = [await forbidden(), await missing()];
  expect([one.status, one.text]).toEqual([other.status, other.text]);
  expect([...one.headers.keys()]).toEqual([...other.headers.keys()]);
});

test('the label of an upload, to send pieces under', async () => {
  const [one, other] = [await chunk(world.uploadLabel), await chunk('nobody has this.mp4')];
  expect([one.status, Object.keys(one.json)]).toEqual([other.status, Object.keys(other.json)]);
  expect(one.json.id).not.toBe(world.uploadId);
});
