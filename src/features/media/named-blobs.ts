// Every blob that has to be there for what rows say, which is what a backup must hold. What is under a prefix and in no row
// is named by a file: the segments of a track that is whole, by its playlist.
import type { Database } from '../../platform/database/database.ts';
import { readRenditions } from '../../platform/pictures/facts.ts';
import { captionKeys } from './caption-tracks.ts';
import { PAGE, pagesOf, pagesOfProfiles } from './row-pages.ts';
import { findSegments } from './stream-rows.ts';

type Reader = Database['read'];

/** Blob keys, a page of rows at a time. The file of a video that was just closed may be a draft still. */
export async function* listNamedBlobs(read: Reader): AsyncGenerator<string[]> {
  yield* listOfMedia(read);
  yield* listOfProfiles(read);
  yield* listOfPictures(read);
  yield* listOfTracks(read);
}

async function* listOfMedia(read: Reader): AsyncGenerator<string[]> {
  const pages = pagesOf((after) =>
    read
      .selectFrom('media')
      .select(['id', 'fileKey', 'sourceKey', 'posterKey', 'storyboardKey', 'captions'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  );
  for await (const rows of pages)
    yield rows.flatMap(({ fileKey, sourceKey, posterKey, storyboardKey, captions }) => [
      ...present([fileKey, sourceKey, posterKey, storyboardKey]),
      ...captionKeys(captions),
    ]);
}

async function* listOfProfiles(read: Reader): AsyncGenerator<string[]> {
  for await (const rows of pagesOfProfiles(read))
    yield rows.flatMap(({ pictureKey, coverKey }) => present([pictureKey, coverKey]));
}

async function* listOfPictures(read: Reader): AsyncGenerator<string[]> {
  const pages = pagesOf((after) =>
    read
      .selectFrom('pictures')
      .select(['id', 'renditions'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  );
  for await (const rows of pages)
    yield rows.flatMap(({ renditions }) => readRenditions(renditions).map(({ key }) => key));
}

/** Of streams that viewers were told of: what comes before that is made again when it is lacking. */
async function* listOfTracks(read: Reader): AsyncGenerator<string[]> {
  const pages = pagesOf((after) =>
    read
      .selectFrom('renditions')
      .innerJoin('media', 'media.id', 'renditions.mediaId')
      .select(['renditions.id', 'renditions.name', 'playlistRun', 'hlsPrefix'])
      .where('hlsPrefix', 'is not', null)
      .where('renditions.id', '>', after)
      .orderBy('renditions.id')
      .limit(PAGE)
      .execute(),
  );
  for await (const rows of pages)
    for (const { id, name, playlistRun, hlsPrefix } of rows) {
      const files =
        playlistRun === null
          ? (await findSegments(read, id)).flatMap(({ init, file }) => [init, file])
          : [`${playlistRun}.m3u8`];
      yield files.map((file) => `${hlsPrefix}/${name}/${file}`);
    }
}

const present = (keys: (string | null)[]): string[] => keys.filter((key) => key !== null);
