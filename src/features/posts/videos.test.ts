// What an author gives to a video of theirs is stored when it is taken, and not otherwise.
import { beforeEach, afterEach, expect, test } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { CommitInDoubt } from '../../platform/database/postgres-driver.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { createOwnVideos, type OwnVideos } from './videos.ts';

const video = Buffer.from('\0\0\0\u0018ftypisom\0\0\u0002\0isomiso2', 'latin1');
const vtt = 'WEBVTT\n\n00:01.000 --> 00:02.000\nwords\n';
const MOST = 20;
/** Names of twenty languages and more. */
const languages = Array.from({ length: MOST + 2 }, (_, at) => `en-x-l${at}`);
const [one = '', other = ''] = languages.slice(-2);

let opened: TestMedia;
let videos: OwnVideos;
let ids: { postId: number; mediaId: number };
/** Waited for before a file is stored. */
let beforePut: () => Promise<unknown>;

beforeEach(async () => {
  beforePut = () => Promise.resolve();
  opened = await openTestMedia({
    storageBytes: 100_000,
    wrapStorage: (storage: Storage) => ({
      ...storage,
      blobs: {
        ...storage.blobs,
        put: async (...given) => beforePut().then(() => storage.blobs.put(...given)),
      },
    }),
  });
  videos = createOwnVideos({ ...opened, now: opened.queue.now });
  ids = await opened.addVideo(video);
});
afterEach(() => opened[Symbol.asyncDispose]());

const add = (change: Partial<Parameters<OwnVideos['addCaptions']>[0]> = {}) =>
  videos.addCaptions({ viewer: opened.ann, ...ids, language: 'en', label: 'English', vtt, ...change });
const captionFiles = async (): Promise<string[]> =>
  (await opened.files()).filter((file) => file.startsWith('media/captions/'));
const size = async (): Promise<number | undefined> => (await opened.row(ids.mediaId))?.size;
const noFile = (): never => {
  throw new Error('nothing is to be stored');
};

test('captions that are refused are not even stored', async () => {
  for (const language of languages.slice(0, MOST)) await add({ language });
  beforePut = noFile;
  await expect(add({ language: 'no language' })).rejects.toMatchObject({ code: 'language_not_valid' });
  await expect(add({ label: '"' })).rejects.toMatchObject({ code: 'label_not_valid' });
  const [present = ''] = languages;
  await expect(add({ language: present, vtt: 'words' })).rejects.toMatchObject({
    code: 'captions_not_valid',
  });
  await expect(add({ mediaId: 999 })).rejects.toMatchObject({ code: 'video_not_found' });
  await expect(add({ language: one })).rejects.toMatchObject({ code: 'too_many_captions' });
  const bob = { ...(await insertPerson(opened.database, 'bob')), sessionId: 2, role: 'user' as const };
  await expect(add({ viewer: bob })).rejects.toMatchObject({ code: 'not_the_author' });
});

test('captions for which another request took the last place leave no file', async () => {
  for (const language of languages.slice(0, MOST - 1)) await add({ language });
  const both = Promise.withResolvers<void>();
  let here = 0;
  beforePut = () => {
    here += 1;
    if (here === 2) both.resolve();
    return both.promise;
  };
  const outcomes = await Promise.allSettled([add({ language: one }), add({ language: other })]);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'too_many_captions' },
  });
  expect(await captionFiles()).toHaveLength(MOST);
});

test('captions of a video that is deleted meanwhile leave no file', async () => {
  beforePut = () => opened.removePostMedia(ids.postId);
  await expect(add()).rejects.toMatchObject({ code: 'video_not_found' });
  expect(await captionFiles()).toEqual([]);
});

test('captions stay when nobody knows whether they were taken', async () => {
  const { database, bus, media } = opened;
  const losing: typeof database = {
    ...database,
    async transaction(work) {
      await database.transaction(work);
      throw new CommitInDoubt('The connection to the database was lost during a commit');
    },
  };
  videos = createOwnVideos({ database: losing, bus, media, now: opened.queue.now });
  await expect(add()).rejects.toBeInstanceOf(CommitInDoubt);
  expect(await captionFiles()).toHaveLength(1);
});

test('captions count for the owner as long as they are there, each language once', async () => {
  const words = 'words '.repeat(300);
  const long = `WEBVTT\n${`\n00:01.000 --> 00:02.000\n${words}\n`.repeat(30)}`;
  const before = await size();
  const { id } = await add({ vtt: long });
  const bytes = ((await size()) ?? 0) - (before ?? 0);
  expect(bytes).toBeGreaterThan(50_000);
  await expect(add({ language: 'de', vtt: long })).rejects.toMatchObject({ code: 'quota_reached' });
  expect(await captionFiles()).toHaveLength(1);
  const again = await add({ vtt: long });
  expect(await size()).toBe((before ?? 0) + bytes);
  await videos.removeCaptions({ viewer: opened.ann, ...ids, id: again.id });
  expect(await size()).toBe(before);
  await add({ language: 'de', vtt: long });
  expect(id).not.toBe(again.id);
});
