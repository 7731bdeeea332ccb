// Many pictures at once: a request makes one file in its turn and goes; the rest is a queue that one worker works off.
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { paintPhoto } from '../support/photos.ts';
import { asDataUrl, call, join, say } from '../support/classic-client.ts';
import { ask } from '../support/site-data.ts';
import { startServer } from '../support/servers.ts';

const PICTURES = 50;
/** One of a request's, one of the job's. */
const AT_ONCE = 2;

test('fifty pictures at once are read one at a time, made smaller by one job at a time, and nobody is refused', async () => {
  await using server = await startServer({ MAX_MEDIA_PER_POST: '50' });
  const ann = await join(server.base);
  const postID = await say(server.base, ann, 'many');
  const bytes = await (await paintPhoto({ width: 640, height: 480 })).blur(1).jpeg().toBuffer();
  const body = { postID, imageBase64: asDataUrl(bytes, 'image/jpeg') };

  const seen = { decoding: 0, leased: 0, waiting: 0, pages: 0 };
  let isOver = false;
  const flood = Promise.all(
    Array.from({ length: PICTURES }, () =>
      call(server.base, '/api/posts/post/add/media/image/', { token: ann.access, body }),
    ),
  ).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    // Others are answered meanwhile.
    expect((await call(server.base, '/api/posts/', { token: ann.access })).status).toBe(200);
    seen.pages += 1;
    seen.decoding = Math.max(seen.decoding, sharp.counters().process);
    const jobs = await listJobs(server.dataDir);
    seen.waiting = Math.max(seen.waiting, jobs.length);
    seen.leased = Math.max(seen.leased, jobs.filter(({ holder }) => holder !== null).length);
  }
  for (const { status } of await flood) expect(status).toBe(200);
  expect(seen.pages).toBeGreaterThan(1);
  expect(seen.decoding).toBeGreaterThan(0);
  expect(seen.decoding).toBeLessThanOrEqual(AT_ONCE);
  expect(seen.leased).toBe(1);
  expect(seen.waiting).toBeGreaterThan(1);

  await server.app.worker.idle();
  const { media_files: media } = (await call(server.base, `/api/posts/post/${postID}/`)).json;
  expect(media).toHaveLength(PICTURES);
  for (const one of media) expect(one.sources.length).toBeGreaterThan(0);
}, 120_000);

const listJobs = (dataDir: string): Promise<{ holder: string | null }[]> =>
  ask(dataDir, `select lease_holder as holder from jobs where kind = 'picture-renditions'`);
