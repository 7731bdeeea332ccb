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
  });
  expect(before.media_files[0]).not.toHaveProperty('failure');
  const played = await fetch(site.base + media.file);
  expect(Buffer.from(await played.arrayBuffer()).equals(file)).toBe(true);
});
