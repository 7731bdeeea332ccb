// A video that cannot be processed: its owner is told why, and the file stays as it came.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let site: TestServer;
let ann: Person;
beforeAll(async () => {
  site = await startServer();
  ann = await join(site.base);
});
afterAll(() => site[Symbol.asyncDispose]());

test('keeps its file, has no playlist and says why', async () => {
  const postId = await say(site.base, ann, 'a broken film');
  const file = makeFile(50_000);
  const stored = await sendChunk(site.base, ann, { filename: 'broken.mp4', bytes: file });
  const body = { postID: postId, videoID: stored.json.id };
  await call(site.base, '/api/posts/post/add/media/video/finalize/', { token: ann.access, body });
  const before = (await call(site.base, `/api/posts/post/${postId}/`)).json;
  await site.app.worker.idle();

  const [media] = (await call(site.base, `/api/posts/post/${postId}/`)).json.media_files;
  expect(media).toEqual({
    id: stored.json.id,
    filename: 'broken.mp4',
    file: before.media_files[0].file,
    hls_url: null,
    failure: expect.stringMatching(/^[A-Z][^/\\]+\.$/),
    state: 'failed',
  });
  expect(before.media_files[0]).not.toHaveProperty('failure');
  const played = await fetch(site.base + media.file);
  expect(Buffer.from(await played.arrayBuffer()).equals(file)).toBe(true);
});

test('is tried again when its owner wants it, and by nobody else', async () => {
  const postID = await say(site.base, ann, 'a broken film');
  const { json } = await sendChunk(site.base, ann, { filename: 'again.mp4', bytes: makeFile(50_000) });
  const body = { postID, videoID: json.id };
  const send = (what: string, token = ann.access) =>
    call(site.base, `/api/posts/post/add/media/video/${what}/`, { token, body });
  await send('finalize');
  await site.app.worker.idle();
  expect((await send('retry', (await join(site.base)).access)).status).toBe(403);
  expect(await send('retry')).toMatchObject({ status: 200, json: ['Video queued'] });
  expect((await send('retry')).status).toBe(409);
  expect((await call(site.base, `/api/posts/post/${postID}/`)).json.media_files[0].state).toBe('processing');
  await site.app.worker.idle();
  const [media] = (await call(site.base, `/api/posts/post/${postID}/`)).json.media_files;
  expect(media).toMatchObject({ state: 'failed', failure: expect.any(String) });
});
