// What an owner says of pictures: in words, and where to look first. Ours, beside the original's wire.
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, asDataUrl, call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let ann: Person;
let bob: Person;
let picture = '';

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
  bob = await join(server.base);
  const painted = sharp({ create: { width: 400, height: 200, channels: 3, background: 'teal' } });
  picture = asDataUrl(await painted.png().toBuffer(), 'image/png');
});
afterAll(() => server[Symbol.asyncDispose]());

// oxlint-disable-next-line typescript/no-explicit-any
const mediaOf = async (id: number): Promise<any[]> =>
  (await call(server.base, `/api/posts/post/${id}/`)).json.media_files;
const add = (postID: number, words: object = {}): Promise<Answer> =>
  call(server.base, '/api/posts/post/add/media/image/', {
    token: ann.access,
    body: { postID, imageBase64: picture, ...words },
  });
const patch = (id: unknown, body: object, token: string | undefined = ann.access): Promise<Answer> =>
  call(server.base, `/api/posts/post/media/${String(id)}/`, { method: 'PATCH', token, body });
async function addOne(words: object = {}): Promise<{ postId: number; mediaId: number }> {
  const postId = await say(server.base, ann, 'a picture');
  expect((await add(postId, words)).status).toBe(200);
  return { postId, mediaId: (await mediaOf(postId))[0].id };
}

test('they may come with the picture', async () => {
  const { postId } = await addOne({ alt: 'A “harbour” <at> dusk 🌇', focus: { x: -0.25, y: 1 } });
  expect(await mediaOf(postId)).toMatchObject([
    { width: 400, height: 200, alt: 'A “harbour” <at> dusk 🌇', focus: { x: -0.25, y: 1 } },
  ]);
});

test('each may be changed without the other; the answer is the media, and the post shows it at once', async () => {
  const { postId, mediaId } = await addOne({ alt: 'before' });
  await server.app.worker.idle();
  const moved = await patch(mediaId, { focus: { x: 0.5, y: -0.5 } });
  expect(moved.status).toBe(200);
  expect(moved.json).toMatchObject({ id: mediaId, alt: 'before', focus: { x: 0.5, y: -0.5 } });
  expect(moved.json.sources.length).toBeGreaterThan(0);
  expect((await patch(mediaId, { alt: 'after' })).json).toMatchObject({
    alt: 'after',
    focus: { x: 0.5, y: -0.5 },
  });
  expect((await patch(mediaId, {})).json).toMatchObject({ alt: 'after' });
  expect(await mediaOf(postId)).toMatchObject([{ alt: 'after', focus: { x: 0.5, y: -0.5 } }]);
  expect((await patch(mediaId, { alt: '' })).json.alt).toBe('');
});

test('nobody else changes them, nor those of a video or of nothing, and all of these look alike', async () => {
  const { postId, mediaId } = await addOne({ alt: 'mine' });
  const others = [
    await patch(mediaId, { alt: 'his' }, bob.access),
    await patch(999_999, { alt: 'nobody’s' }),
    await patch('nonsense', { alt: 'x' }),
  ];
  for (const answer of others) expect([answer.status, answer.json]).toEqual([404, { error: 'Not found.' }]);
  expect((await patch(mediaId, { alt: 'x' }, 'nonsense')).status).toBe(401);
  expect(await mediaOf(postId)).toMatchObject([{ alt: 'mine' }]);
});

test.each([
  [{ alt: 'x'.repeat(1_501) }],
  [{ alt: 'a\0b' }],
  [{ alt: '\ud800' }],
  [{ alt: 7 }],
  [{ focus: { x: 1.01, y: 0 } }],
  [{ focus: { x: 0 } }],
  [{ focus: 'middle' }],
])('%j is refused, by both ways', async (words) => {
  const { postId, mediaId } = await addOne();
  expect((await patch(mediaId, words)).status).toBe(400);
  expect((await add(postId, words)).status).toBe(400);
  expect(await mediaOf(postId)).toMatchObject([{ alt: '', focus: { x: 0, y: 0 } }]);
});

describe('of a profile', () => {
  const update = (body: object): Promise<Answer> =>
    call(server.base, '/api/users/author/update/', { token: ann.access, body });

  test('they are of the picture and the cover, and go with them', async () => {
    expect((await update({ cover_image_alt: 'of nothing' })).json.user).not.toHaveProperty('cover_image_alt');
    await update({
      profile_image: picture,
      profile_image_alt: 'me',
      cover_image: picture,
      cover_image_alt: 'a wall',
    });
    const changed = await update({ cover_image_focus: { x: 1, y: 0 } });
    expect(changed.json.user).toMatchObject({
      ...{ profile_picture_alt: 'me', cover_image_alt: 'a wall', cover_image_focus: { x: 1, y: 0 } },
      profile_picture_blurhash: expect.stringMatching(/^.{28}$/),
      cover_image_blurhash: expect.stringMatching(/^.{28}$/),
    });
    const replaced = await update({ cover_image: picture });
    expect(replaced.json.user).toMatchObject({ cover_image_alt: '', cover_image_focus: { x: 0, y: 0 } });
  });

  test('what was made of the picture is told with every post, the smallest alone', async () => {
    await update({ profile_image: picture });
    await server.app.worker.idle();
    const id = await say(server.base, ann, 'with a face');
    const { auhtor } = (await call(server.base, `/api/posts/post/${id}/`)).json;
    expect(auhtor.profile_picture_sources).toMatchObject([{ type: 'image/webp', width: 144, height: 144 }]);
    const file = await fetch(server.base + auhtor.profile_picture_sources[0].url);
    expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/webp']);
    expect(auhtor).not.toHaveProperty('cover_image_sources');
  });
});
