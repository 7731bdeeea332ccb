// Media as a post shows it, for many posts at a time.
import type { Selectable } from 'kysely';
import type { Database } from '../../platform/database/database.ts';
import type { MediaTable } from '../../platform/database/tables.ts';
import { type PictureColumns, type PictureFacts, readFacts } from '../../platform/pictures/facts.ts';
import { type CaptionTrack, readCaptionTracks } from './caption-tracks.ts';
import { type Progress, readProgress } from './progress.ts';

export interface MediaView {
  id: number;
  postId: number | null;
  kind: 'picture' | 'video';
  /** The client's name for an uploaded file. */
  label: string;
  /** Blob key; null while the bytes are still coming. */
  fileKey: string | null;
  /** Blob key prefix of the folder with `master.m3u8`; null until it can be fetched. */
  hlsPrefix: string | null;
  /** In pixels; null until known. */
  width: number | null;
  height: number | null;
  /** Of a picture. */
  picture: PictureFacts | undefined;
  /** A sentence for the owner, when the video could not be processed. */
  failure: string | null;
  /** Of a video only. */
  video: VideoView | undefined;
}

export interface VideoView {
  /** `processing` may play already: see `hlsPrefix`. Of a `ready` one more renditions may be to come. */
  state: 'processing' | 'ready' | 'failed';
  /** Short sides of the renditions that can be played, smallest first. */
  sizes: number[];
  /** Blob keys. */
  posterKey: string | null;
  storyboardKey: string | null;
  durationMs: number | null;
  captions: CaptionTrack[];
  /** What is being done just now. */
  progress: Progress | undefined;
}

export interface MediaViews {
  /** In the order in which they were attached. */
  byPost(postIds: readonly number[]): Promise<Map<number, MediaView[]>>;
}

const mediaColumns = [
  ...(['media.id', 'media.postId', 'media.kind', 'media.label', 'media.fileKey'] as const),
  ...(['media.hlsPrefix', 'media.failure', 'media.readyAt', 'media.failedAt', 'media.sizes'] as const),
  ...(['media.posterKey', 'media.storyboardKey', 'media.durationMs', 'media.captions'] as const),
  ...(['media.progress', 'media.width', 'media.height'] as const),
] as const;
const pictureColumns = [
  ...(['pictures.alt', 'pictures.focusX', 'pictures.focusY', 'pictures.blurhash'] as const),
  'pictures.renditions',
] as const;

type Column<Name extends string> = Name extends `media.${infer Own}` ? Own : never;
type MediaRow = Pick<
  Selectable<MediaTable>,
  Column<(typeof mediaColumns)[number]> & keyof Selectable<MediaTable>
>;
type Row = MediaRow & PictureColumns;

export function createMediaViews({ database }: { database: Database }): MediaViews {
  const { isOneOf } = database.dialect;
  const find = database.prepare((read, { postIds }: { postIds: readonly number[] }) =>
    read
      .selectFrom('media')
      .leftJoin('pictures', 'pictures.key', 'media.fileKey')
      .select([...mediaColumns, ...pictureColumns])
      .where(isOneOf('media.postId', postIds))
      .where('media.fileKey', 'is not', null)
      .orderBy('media.postId')
      .orderBy('media.position')
      .orderBy('media.id'),
  );
  return {
    async byPost(postIds) {
      return Map.groupBy((await find({ postIds })).map(toView), (media) => media.postId ?? 0);
    },
  };
}

function toView(row: Row): MediaView {
  const { id, postId, kind, label, fileKey, hlsPrefix, failure, width, height } = row;
  return {
    ...{ id, postId, kind, label, fileKey, hlsPrefix, failure, width, height },
    picture: kind === 'picture' ? readFacts(row) : undefined,
    video: kind === 'video' ? toVideo(row) : undefined,
  };
}

function toVideo(row: Row): VideoView {
  const { posterKey, storyboardKey, durationMs } = row;
  const unready = row.failedAt === null ? 'processing' : 'failed';
  return {
    ...{ posterKey, storyboardKey, durationMs },
    state: row.readyAt === null ? unready : 'ready',
    sizes: row.sizes === null ? [] : row.sizes.split(',').map(Number),
    captions: readCaptionTracks(row.captions),
    progress: readProgress(row.progress),
  };
}
