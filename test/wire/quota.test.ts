// What one person may keep: refused in words when it is full, free again when something is deleted.
import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Answer,
  asDataUrl,
  call,
  join,
  type Person,
  say,
  sendChunk,
} from '../support/classic-client.ts';
import { makeFile, MIB } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask, listBlobs } from '../support/site-data.ts';

const FULL = {
  status: 413,
  json: {
    error:
      'Your pictures and videos take up all the room that you have here. Delete some of them and try again.',
  },
};

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ MAX_STORAGE_PER_PERSON: '3MiB' });
});
afterAll(() => server[Symbol.asyncDispose]());

const send = (person: Person, filename: string, bytes: Buffer): Promise<Answer> =>
  sendChunk(server.base, person, { filename, bytes });
const post = (person: Person, path: string, body: object): Promise<Answer> =>
  call(server.base, `/api/posts/post/add/media/${path}/`, { token: person.access, body });
const kept = async ({ id }: Person): Promise<number> =>
  (
    await ask<{ bytes: number }>(
      server.dataDir,
      'select sum(size) as bytes from media where owner_id = ?',
      id,
    )
  )[0]?.bytes ?? 0;

test('of ten files at once as many get in as fit, and one that is deleted makes room for one', async () => {
  const [ann, bob] = [await join(server.base), await join(server.base)];
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) => send(ann, `${index}.mp4`, makeFile(MIB))),
  );
  const taken = answers.filter(({ status }) => status === 200);
  expect(taken).toHaveLength(3);
  for (const refused of answers.filter(({ status }) => status !== 200)) expect(refused).toMatchObject(FULL);
  expect(await kept(ann)).toBe(3 * MIB);
  expect((await send(bob, '0.mp4', makeFile(MIB))).status).toBe(200);

  const postID = await say(server.base, ann, 'a video');
  await post(ann, 'video/finalize', { postID, videoID: taken[0]?.json.id });
  expect(await send(ann, 'late.mp4', makeFile(MIB))).toMatchObject(FULL);
  await call(server.base, `/api/posts/post/delete/${postID}`, { token: ann.access });
  expect((await send(ann, 'late.mp4', makeFile(MIB))).status).toBe(200);
  expect(await kept(ann)).toBe(3 * MIB);
});

test('a picture that does not fit is refused, and no file of it stays', async () => {
  const ann = await join(server.base);
  const [id, other] = [await say(server.base, ann, 'pictures'), await say(server.base, ann, 'more')];
  const noise = sharp(randomBytes(700 * 700 * 3), { raw: { width: 700, height: 700, channels: 3 } });
  const picture = asDataUrl(await noise.jpeg().toBuffer(), 'image/jpeg');
  expect((await post(ann, 'image', { postID: id, imageBase64: picture })).status).toBe(200);
  await send(ann, 'rest.mp4', makeFile(3 * MIB - (await kept(ann))));
  await server.app.worker.idle();
  const before = await listBlobs(server.dataDir);
  for (const postID of [id, other])
    expect(await post(ann, 'image', { postID, imageBase64: picture })).toMatchObject(FULL);
  expect(await listBlobs(server.dataDir)).toEqual(before);
  expect(await kept(ann)).toBe(3 * MIB);
});
