import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestMedia, type TestMedia, UPLOAD_LIFETIME_MS } from '../../../test/support/media.ts';
import { sweepUploadsJob } from './sweep.ts';

let opened: TestMedia;
beforeEach(async () => {
  opened = await openTestMedia();
});
afterEach(() => opened[Symbol.asyncDispose]());

const append = (label: string) =>
  opened.media.uploads.append({ viewer: opened.ann, label, content: Buffer.from('bytes'), connection: 'a' });
const labels = async (): Promise<string[]> =>
  (await opened.database.read.selectFrom('uploads').select('label').orderBy('id').execute()).map(
    (row) => row.label,
  );
async function sweep(): Promise<void> {
  await opened.database.transaction((tx) => opened.queue.jobs.enqueue(tx, sweepUploadsJob, { payload: {} }));
  await opened.work();
}

test('unfinished uploads that nobody came back for go with their bytes; active and finished ones stay', async () => {
  const stale = await append('stale');
  const finished = await append('finished');
  await opened.database.transaction((tx) =>
    tx
      .updateTable('uploads')
      .set({ finishedAt: opened.queue.clock })
      .where('mediaId', '=', finished.mediaId)
      .execute(),
  );
  await append('active');
  opened.queue.clock += UPLOAD_LIFETIME_MS;
  await append('active');
  await append('fresh');
  await sweep();
  expect(await labels()).toEqual(['stale', 'finished', 'active', 'fresh']);
  opened.queue.clock += 1;
  await sweep();
  expect(await labels()).toEqual(['finished', 'active', 'fresh']);
  expect(await opened.row(stale.mediaId)).toBeUndefined();
  expect(await opened.files()).toHaveLength(3);
});

test('one that is being written to just now stays', async () => {
  await append('stale');
  opened.queue.clock += UPLOAD_LIFETIME_MS + 1;
  await opened.database.transaction((tx) =>
    tx
      .updateTable('uploads')
      .set({ leaseHolder: 'elsewhere.example/1/start/1', leaseUntil: opened.queue.clock + 1 })
      .execute(),
  );
  await sweep();
  expect(await labels()).toEqual(['stale']);
});

test('hundreds are swept in one run', async () => {
  for (let index = 0; index < 45; index += 1) await append(`clip ${index}`);
  const [first] = await opened.database.read.selectFrom('uploads').selectAll().limit(1).execute();
  await opened.database.transaction(async (tx) => {
    for (let index = 45; index < 230; index += 1) {
      const { id: mediaId } = await tx
        .insertInto('media')
        .columns(['ownerId', 'kind', 'createdAt'])
        .expression((query) => query.selectFrom('media').select(['ownerId', 'kind', 'createdAt']).limit(1))
        .returning('id')
        .executeTakeFirstOrThrow();
      const { id: _, ...copied } = first ?? fail();
      await tx
        .insertInto('uploads')
        .values({ ...copied, mediaId, label: `clip ${index}`, draftKey: `draft${index}` })
        .execute();
    }
  });
  opened.queue.clock += UPLOAD_LIFETIME_MS + 1;
  await sweep();
  expect(await labels()).toEqual([]);
  expect(await opened.files()).toEqual([]);
});

function fail(): never {
  throw new Error('there is no upload');
}
