import { randomBytes } from 'node:crypto';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { openTestMedia, type TestMedia, UPLOAD_LIFETIME_MS } from '../../../test/support/media.ts';
import type { Viewer } from '../users/index.ts';
import { sweepUploadsJob } from './sweep.ts';

const QUOTA = 100_000;
const PIECE = 7_000;

let opened: TestMedia;
beforeEach(async () => {
  opened = await openTestMedia({ storageBytes: QUOTA });
});
afterEach(() => opened[Symbol.asyncDispose]());

const append = (label: string, bytes = PIECE, viewer = opened.ann) =>
  opened.media.uploads.append({ viewer, label, content: randomBytes(bytes), connection: label });

async function addPicture(postId: number): Promise<void> {
  const { attachments } = opened.media;
  const noise = { width: 60, height: 60, channels: 3 as const };
  const png = await sharp(randomBytes(60 * 60 * 3), { raw: noise })
    .png()
    .toBuffer();
  const stored = await attachments.storePicture(png);
  await opened.database.transaction((tx) =>
    attachments.insertPicture(tx, { stored, ownerId: opened.ann.profileId, postId }),
  );
}

/** Bytes that a person keeps, as their rows say: finished or not. */
async function kept({ profileId } = opened.ann): Promise<number> {
  const uploads = await opened.database.read
    .selectFrom('uploads')
    .innerJoin('media', 'media.id', 'uploads.mediaId')
    .select(['uploads.offset', 'media.size'])
    .where('uploads.ownerId', '=', profileId)
    .execute();
  for (const { offset, size } of uploads) expect(size).toBe(offset);
  const media = await opened.database.read
    .selectFrom('media')
    .select('size')
    .where('ownerId', '=', profileId)
    .execute();
  return media.reduce((sum, { size }) => sum + size, 0);
}
const codes = (outcomes: PromiseSettledResult<unknown>[]): string[] =>
  outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));

test('pieces of many uploads and pictures that come at once never add up to more than the quota', async () => {
  const postIds = [await opened.insertPost(), await opened.insertPost()];
  const outcomes = await Promise.allSettled([
    ...Array.from({ length: 30 }, (_, index) => append(`clip ${index % 6}`)),
    ...postIds.map(addPicture),
  ]);
  expect(new Set(codes(outcomes))).toEqual(new Set(['quota_reached']));
  expect(await kept()).toBeLessThanOrEqual(QUOTA);
  // Nobody was refused without need: there is no room for another piece.
  expect(await kept()).toBeGreaterThan(QUOTA - PIECE);
});

test('what fits to the byte is taken, one byte more is not, and nothing of it is left', async () => {
  await append('clip', QUOTA - 10);
  expect(await append('clip', 10)).toMatchObject({ offset: QUOTA });
  await expect(append('clip', 1)).rejects.toMatchObject({ kind: 'too_large', code: 'quota_reached' });
  await expect(append('another', 1)).rejects.toMatchObject({ code: 'quota_reached' });
  expect(await opened.database.read.selectFrom('media').selectAll().execute()).toHaveLength(1);
  expect(await kept()).toBe(QUOTA);
});

test('pictures count as they are stored', async () => {
  const postId = await opened.insertPost();
  await addPicture(postId);
  const size = await kept();
  expect(size).toBeGreaterThan(1_000);
  await append('clip', QUOTA - size - 100);
  await expect(addPicture(postId)).rejects.toMatchObject({ kind: 'too_large', code: 'quota_reached' });
  expect(await kept()).toBe(QUOTA - 100);
});

test('a repeat of what is there, and the end of a file, take no room', async () => {
  const content = randomBytes(QUOTA);
  const piece = { viewer: opened.ann, label: 'clip', content, connection: 'a' };
  await opened.media.uploads.append(piece);
  for (const repeat of [{ offset: 0 }, { connection: 'b' }, { content: Buffer.alloc(0) }])
    expect(await opened.media.uploads.append({ ...piece, ...repeat })).toMatchObject({ offset: QUOTA });
});

test('deleting, and the sweep of what nobody came back for, make room again', async () => {
  const ftyp = Buffer.from('\0\0\0\u0018ftypisom\0\0\u0002\0isomiso2', 'latin1');
  const { postId } = await opened.addVideo(Buffer.concat([ftyp, randomBytes(60_000)]));
  await append('stale', 30_000);
  await expect(append('fresh', 20_000)).rejects.toMatchObject({ code: 'quota_reached' });
  await opened.removePostMedia(postId);
  await append('fresh', 60_000);
  await expect(append('fresh', 30_000)).rejects.toMatchObject({ code: 'quota_reached' });
  opened.queue.clock += UPLOAD_LIFETIME_MS + 1;
  await opened.database.transaction((tx) =>
    tx.updateTable('uploads').set({ updatedAt: opened.queue.clock }).where('label', '=', 'fresh').execute(),
  );
  await opened.database.transaction((tx) => opened.queue.jobs.enqueue(tx, sweepUploadsJob, { payload: {} }));
  await opened.work();
  await append('fresh', 30_000);
  expect(await kept()).toBe(90_000);
});

test('everybody has room of their own', async () => {
  const bob: Viewer = { ...(await insertPerson(opened.database, 'bob')), sessionId: 2, role: 'user' };
  await append('clip', QUOTA);
  await append('clip', QUOTA, bob);
  expect([await kept(), await kept(bob)]).toEqual([QUOTA, QUOTA]);
});
