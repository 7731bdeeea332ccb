import sharp from 'sharp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';

let opened: TestMedia;
let postId: number;
beforeEach(async () => {
  opened = await openTestMedia();
  postId = await opened.insertPost();
});
afterEach(() => opened[Symbol.asyncDispose]());

const PNG = await sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } })
  .png()
  .toBuffer();

async function addPicture(): Promise<void> {
  const { attachments } = opened.media;
  const stored = await attachments.storePicture(PNG);
  await opened.database.transaction((tx) =>
    attachments.insertPicture(tx, { stored, ownerId: opened.ann.profileId, postId }),
  );
}
const rows = () => opened.database.read.selectFrom('media').selectAll().orderBy('id').execute();
/** What was made of them apart. */
const originals = async (): Promise<string[]> =>
  (await opened.files()).filter((file) => !file.startsWith('media/renditions/'));
const remove = (mediaIds?: number[]): Promise<void> =>
  opened.database.transaction((tx) =>
    opened.media.attachments.remove(tx, { postIds: [postId], ...(mediaIds && { mediaIds }) }),
  );

test('pictures go last, in the order in which they came, up to what a post holds', async () => {
  await addPicture();
  await addPicture();
  await remove([1]);
  await addPicture();
  await addPicture();
  expect((await rows()).map((row) => [row.id, row.position])).toEqual([
    [2, 1],
    [3, 2],
    [4, 3],
  ]);
  await expect(addPicture()).rejects.toMatchObject({ kind: 'conflict', code: 'post_full' });
});

test('as many at once as a post holds get in, each at a place of its own', async () => {
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, addPicture));
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(3);
  expect((await rows()).map((row) => row.position)).toEqual([0, 1, 2]);
});

test('removing takes the chosen ones of this post, with their files, and nothing of another', async () => {
  await addPicture();
  await addPicture();
  const [first, second] = await rows();
  const mine = postId;
  postId = await opened.insertPost();
  await addPicture();
  const foreign = (await rows()).at(-1);
  postId = mine;
  await remove([first?.id ?? 0, foreign?.id ?? 0, 12_345]);
  await opened.work();
  expect((await rows()).map((row) => row.id)).toEqual([second?.id, foreign?.id]);
  expect(await originals()).toEqual([`media/${second?.fileKey}`, `media/${foreign?.fileKey}`].toSorted());
  await remove([]);
  expect(await rows()).toHaveLength(2);
  await remove();
  await opened.work();
  expect(await originals()).toEqual([`media/${foreign?.fileKey}`]);
  postId = foreign?.postId ?? 0;
  await remove();
  await opened.work();
  expect(await opened.files()).toEqual([]);
});

test('a removal that is rolled back keeps rows and files', async () => {
  await addPicture();
  const failing = opened.database.transaction(async (tx) => {
    await opened.media.attachments.remove(tx, { postIds: [postId] });
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await opened.work();
  expect(await rows()).toHaveLength(1);
  expect(await originals()).toHaveLength(1);
});
