import { expect, test } from 'vitest';
import { insertPerson, openTestDatabase } from '../../../test/support/databases.ts';
import { noVideo } from './attachments.ts';
import { writeCaptionTracks } from './caption-tracks.ts';
import { listNamedBlobs } from './named-blobs.ts';

const captions = writeCaptionTracks([
  { id: 'a', language: 'en', label: 'English', key: 'captions/a.vtt', bytes: 1 },
]);

test('every blob that a row names is listed, by its key', async () => {
  await using site = await openTestDatabase();
  const { database } = site;
  const { profileId: ownerId } = await insertPerson(database, 'ann');
  await database.transaction(async (tx) => {
    await tx.updateTable('profiles').set({ pictureKey: 'p/a.jpg', coverKey: 'p/b.jpg' }).execute();
    const media = await tx
      .insertInto('media')
      .values({
        ...{ ownerId, postId: null, kind: 'video', width: null, height: null, createdAt: 0, readyAt: null },
        ...{ ...noVideo, fileKey: 'videos/a.mp4', sourceKey: 'videos/b.mp4', posterKey: 'hls/1-a/c.jpg' },
        ...{ storyboardKey: 'hls/1-a/d.vtt', hlsPrefix: 'hls/1-a', draftPrefix: 'hls/1-b', captions },
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    const track = {
      kind: 'picture' as const,
      ...{ mediaId: media.id, width: 1, height: 1, framesPerKilosecond: 1, codecs: '' },
      ...{ targetSeconds: 1, bandwidth: 1, averageBandwidth: 1, iFrameBandwidth: 1, listedAt: 1 },
    };
    await tx
      .insertInto('renditions')
      .values({ ...track, name: 'whole', playlistRun: 'run', finishedAt: 1 })
      .execute();
    const growing = await tx
      .insertInto('renditions')
      .values({ ...track, name: 'growing', playlistRun: null, finishedAt: null })
      .returning('id')
      .executeTakeFirstOrThrow();
    const segment = { renditionId: growing.id, position: 0, microseconds: 1, bytes: 1, keys: '[]' };
    await tx
      .insertInto('segments')
      .values({ ...segment, file: '0.m4s', init: 'init.mp4' })
      .execute();
    const rendition = { key: 'renditions/b/144.webp', type: 'image/webp', width: 1, height: 1 };
    await tx
      .insertInto('pictures')
      .values({
        ...{ key: 'p/a.jpg', role: 'avatar', shownOn: ownerId, width: 1, height: 1, blurhash: null },
        ...{ draftPrefix: 'renditions/a', webpPrefix: 'renditions/b', avifPrefix: null },
        ...{ renditions: JSON.stringify([rendition]), createdAt: 0, renderedAt: null, failedAt: null },
      })
      .execute();
  });
  const named: string[] = [];
  for await (const keys of listNamedBlobs(database.read)) named.push(...keys);
  expect(named.toSorted()).toEqual([
    'captions/a.vtt',
    ...['hls/1-a/c.jpg', 'hls/1-a/d.vtt'],
    ...['hls/1-a/growing/0.m4s', 'hls/1-a/growing/init.mp4', 'hls/1-a/whole/run.m3u8'],
    ...['p/a.jpg', 'p/b.jpg'],
    'renditions/b/144.webp',
    ...['videos/a.mp4', 'videos/b.mp4'],
  ]);
});
