// The files of a backup while the folders they come from change under the listing.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertPerson, openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { listBlobs } from '../../../test/support/site-data.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage, StoredFile } from '../storage/storage.ts';
import { type CopiedFiles, copyFiles } from './copy-files.ts';

const film = randomBytes(10_000);

let site: TestDatabase;
let from: Storage;
let to: Storage;
let ownerId: number;

const at = (name: string): string => join(site.folder, name);

beforeEach(async () => {
  site = await openTestDatabase();
  from = await openStorage({ kind: 'local', folder: at('site') });
  to = await openStorage({ kind: 'local', folder: at('backup') });
  ownerId = (await insertPerson(site.database, 'ann')).profileId;
});
afterEach(() => site[Symbol.asyncDispose]());

/** All of the film is there, as a draft. */
async function upload(draftKey: string, { finishedAt }: { finishedAt: number | null }): Promise<void> {
  await from.drafts.write(draftKey, { offset: 0 }, [film]);
  const nothing = { width: null, height: null, durationMs: null, readyAt: null, failedAt: null };
  const none = { postId: null, fileKey: null, hlsPrefix: null, draftPrefix: null, encodeRun: null };
  const more = { sourceKey: null, posterKey: null, storyboardKey: null, sizes: null, failure: null };
  await site.database.transaction(async (tx) => {
    const media = await tx
      .insertInto('media')
      .values({
        ...{ ...nothing, ...none, ...more, progress: null, captions: null },
        ...{ ownerId, kind: 'video', createdAt: 0 },
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await tx
      .insertInto('uploads')
      .values({
        ...{ ownerId, mediaId: media.id, label: draftKey, draftKey, offset: film.length, finishedAt },
        ...{ length: null, metadata: null, lastChunkHash: null, lastConnection: null, leaseHolder: null },
        ...{ createdAt: 0, updatedAt: 0 },
      })
      .execute();
  });
}

const publish = (draftKey: string): Promise<void> =>
  from.drafts.publish(draftKey, { size: film.length, blobKey: `videos/${draftKey}.mp4` });

function copy({ source = from, named = [] as string[] } = {}): Promise<CopiedFiles> {
  const options = { from: source, to, scratch: at('backup/work'), read: site.database.read };
  return copyFiles({
    ...options,
    async *listNamed() {
      yield named;
    },
  });
}

async function expectDraft(key: string): Promise<void> {
  const bytes = await buffer(to.drafts.read(key, { start: 0, end: film.length }));
  expect(bytes.equals(film)).toBe(true);
}

/** The store, whose lists are changed on their way. */
const listing = (change: {
  drafts?: (files: AsyncIterable<StoredFile>) => AsyncIterable<StoredFile>;
  blobs?: (files: AsyncIterable<StoredFile>) => AsyncIterable<StoredFile>;
}): Storage => ({
  ...from,
  drafts: { ...from.drafts, list: () => (change.drafts ?? ((files) => files))(from.drafts.list()) },
  blobs: { ...from.blobs, list: () => (change.blobs ?? ((files) => files))(from.blobs.list()) },
});

test.each([
  ['goes on', null],
  ['was closed', 1],
])('an upload that %s and is published after it was listed is copied', async (_, finishedAt) => {
  await upload('d', { finishedAt });
  const source = listing({
    async *drafts(files) {
      for await (const file of files) {
        await publish(file.key);
        yield file;
      }
    },
  });
  const copied = await copy({ source });
  const uploads = finishedAt === null ? { files: 1, bytes: film.length } : { files: 0, bytes: 0 };
  expect(copied).toMatchObject({ media: { files: 1, bytes: film.length }, uploads, missing: [] });
  expect(await listBlobs(at('backup'))).toEqual(['videos/d.mp4']);
  if (finishedAt === null) await expectDraft('d');
  else for await (const { key } of to.drafts.list()) expect.unreachable(key);
});

test('what a listing names twice counts once', async () => {
  async function* twice(files: AsyncIterable<StoredFile>): AsyncGenerator<StoredFile> {
    for await (const file of files) yield* [file, file];
  }
  await upload('d', { finishedAt: null });
  await from.blobs.put('pictures/a.webp', Buffer.from('a picture'));
  const copied = await copy({ source: listing({ drafts: twice, blobs: twice }) });
  expect(copied).toMatchObject({
    ...{ media: { files: 1, bytes: 9 }, uploads: { files: 1, bytes: film.length } },
    missing: [],
  });
  await expectDraft('d');
});

test('a file that a row names is copied though a listing left it out', async () => {
  await from.blobs.put('pictures/a.webp', Buffer.from('a picture'));
  await from.blobs.put('pictures/b.webp', Buffer.from('nobody names it'));
  const source = listing({ async *blobs() {} });
  const copied = await copy({ source, named: ['pictures/a.webp'] });
  expect(copied).toMatchObject({ media: { files: 1, bytes: 9 }, missingFiles: [] });
  expect(await listBlobs(at('backup'))).toEqual(['pictures/a.webp']);
});

test('a file that a row names and nobody has is told, once; of one that was just closed the draft is there', async () => {
  await upload('d', { finishedAt: 1 });
  const copied = await copy({ named: ['pictures/a.webp', 'videos/d.mp4', 'pictures/a.webp'] });
  expect(copied).toMatchObject({ missing: [], missingFiles: ['pictures/a.webp'] });
  await expectDraft('d');
});
