import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertPerson, openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { listBlobs } from '../../../test/support/site-data.ts';
import { openStorage } from '../../platform/storage/open.ts';
import { holdRemovals } from '../../platform/storage/removal-hold.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { noVideo } from './attachments.ts';
import { createOrphanSweep } from './sweep-orphans.ts';

let site: TestDatabase;
let storage: Storage;
const content = Buffer.from('bytes');

beforeEach(async () => {
  site = await openTestDatabase();
  storage = await openStorage({ kind: 'local', folder: site.folder });
});
afterEach(() => site[Symbol.asyncDispose]());

async function sweep(now = Date.now()): Promise<void> {
  const run = createOrphanSweep({ database: site.database, storage, now: () => now });
  const { signal } = new AbortController();
  await run({ id: 1, attempt: 1, payload: {}, signal, confirm: () => Promise.resolve() });
}

const inTwoHours = (): number => Date.now() + 7_200_000;

/** A person with a picture, and a video with everything a video can have. */
async function fillRows(): Promise<void> {
  const { database } = site;
  const { profileId } = await insertPerson(database, 'ann');
  await database.transaction(async (tx) => {
    await tx
      .updateTable('profiles')
      .set({ pictureKey: 'profile_pictures/a.jpg', coverKey: 'profile_pictures/b.jpg' })
      .execute();
    const media = await tx
      .insertInto('media')
      .values({
        ...{
          ownerId: profileId,
          postId: null,
          kind: 'video',
          width: null,
          height: null,
          createdAt: 0,
          readyAt: null,
        },
        ...noVideo,
        ...{
          fileKey: 'videos/a.mp4',
          posterKey: 'posters/a.jpg',
          hlsPrefix: 'hls/1-a',
          draftPrefix: 'hls/1-b',
        },
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await tx
      .insertInto('pictures')
      .values({
        ...{ key: 'profile_pictures/a.jpg', role: 'avatar', shownOn: profileId, width: 1, height: 1 },
        ...{ draftPrefix: 'renditions/a', webpPrefix: 'renditions/b', avifPrefix: 'renditions/c' },
        ...{ blurhash: null, createdAt: 0, renderedAt: null, failedAt: null },
      })
      .execute();
    await tx
      .insertInto('uploads')
      .values({
        ...{ ownerId: profileId, mediaId: media.id, label: 'a', draftKey: 'draft-a' },
        ...{
          lastChunkHash: null,
          lastConnection: null,
          leaseHolder: null,
          createdAt: 0,
          updatedAt: 0,
          finishedAt: null,
        },
      })
      .execute();
  });
}

const REFERRED = [
  'hls/1-a/360p/0.m4s',
  'hls/1-a/master.m3u8',
  'hls/1-b/0.m4s',
  'posters/a.jpg',
  'profile_pictures/a.jpg',
  'profile_pictures/b.jpg',
  'renditions/a/320.webp',
  'renditions/b/320.webp',
  'renditions/c/320.avif',
  'videos/a.mp4',
];
const ORPHANS = [
  'hls/1-c/0.m4s',
  'hls/11-a/0.m4s',
  'pictures/x.jpg',
  'pictures/x.jpg.77.partial',
  'renditions/b2/320.webp',
  'renditions/d/320.webp',
  'videos/a.mp',
];

test('what no row refers to goes when it is older than an hour, and everything else stays', async () => {
  await fillRows();
  for (const key of [...REFERRED, ...ORPHANS]) await storage.blobs.put(key, content);
  for (const key of ['draft-a', 'draft-b']) await storage.drafts.write(key, { offset: 0 }, [content]);
  await sweep();
  expect(await listBlobs(site.folder)).toEqual([...REFERRED, ...ORPHANS].toSorted());
  await sweep(inTwoHours());
  expect(await listBlobs(site.folder)).toEqual(REFERRED);
  const drafts: string[] = [];
  for await (const { key } of storage.drafts.list()) drafts.push(key);
  expect(drafts).toEqual(['draft-a']);
});

test('a file of this hour is left alone beside old ones', async () => {
  for (const key of ['pictures/old.jpg', 'pictures/new.jpg']) await storage.blobs.put(key, content);
  const past = Date.now() / 1_000 - 3_700;
  await utimes(join(site.folder, 'media/pictures/old.jpg'), past, past);
  await sweep();
  expect(await listBlobs(site.folder)).toEqual(['pictures/new.jpg']);
});

test('what others have put there stays, and keeps no orphan from going', async () => {
  const foreign = ['media/.DS_Store', 'media/hls/.DS_Store', 'media/lost+found', 'uploads/.DS_Store'];
  await storage.blobs.put('hls/1-c/0.m4s', content);
  await storage.drafts.write('draft-b', { offset: 0 }, [content]);
  for (const path of foreign) await writeFile(join(site.folder, path), content);
  await sweep(inTwoHours());
  expect(await listBlobs(site.folder)).toEqual(['.DS_Store', 'hls/.DS_Store', 'lost+found']);
  expect(await readdir(join(site.folder, 'uploads'))).toEqual(['.DS_Store']);
});

test('an empty site has nothing to sweep', async () => {
  await sweep(inTwoHours());
  expect(await listBlobs(site.folder)).toEqual([]);
});

test('no file goes while a backup runs', async () => {
  await storage.blobs.put('pictures/nobody.jpg', content);
  await storage.drafts.write('nobody', { offset: 0 }, [content]);
  {
    await using held = await holdRemovals(site.database);
    const run = createOrphanSweep({ database: site.database, storage, now: inTwoHours });
    const signal = AbortSignal.abort();
    await expect(
      run({ id: 1, attempt: 1, payload: {}, signal, confirm: () => Promise.resolve() }),
    ).rejects.toThrow(/abort/);
    await held.confirm();
    expect(await listBlobs(site.folder)).toEqual(['pictures/nobody.jpg']);
  }
  await sweep(inTwoHours());
  expect(await listBlobs(site.folder)).toEqual([]);
});
