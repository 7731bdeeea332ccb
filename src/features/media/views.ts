// Media as a post shows it, for many posts at a time.
import type { Database } from '../../platform/database/database.ts';
import { type PictureFacts, readFacts } from '../../platform/pictures/facts.ts';

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
}

export interface MediaViews {
  /** In the order in which they were attached. */
  byPost(postIds: readonly number[]): Promise<Map<number, MediaView[]>>;
}

const columns = [
  'media.id',
  'media.postId',
  'media.kind',
  'media.label',
  'media.fileKey',
  'media.hlsPrefix',
  'media.failure',
  'media.width',
  'media.height',
  'pictures.alt',
  'pictures.focusX',
  'pictures.focusY',
  'pictures.blurhash',
  'pictures.renditions',
] as const;

export function createMediaViews({ database }: { database: Database }): MediaViews {
  const { isOneOf } = database.dialect;
  const find = database.prepare((read, { postIds }: { postIds: readonly number[] }) =>
    read
      .selectFrom('media')
      .leftJoin('pictures', 'pictures.key', 'media.fileKey')
      .select(columns)
      .where(isOneOf('media.postId', postIds))
      .where('media.fileKey', 'is not', null)
      .orderBy('media.postId')
      .orderBy('media.position')
      .orderBy('media.id'),
  );
  return {
    async byPost(postIds) {
      const views = (await find({ postIds })).map(({ alt, focusX, focusY, blurhash, renditions, ...row }) => {
        const { width, height } = row;
        const facts = { width, height, alt, focusX, focusY, blurhash, renditions };
        return { ...row, picture: row.kind === 'picture' ? readFacts(facts) : undefined };
      });
      return Map.groupBy(views, (view) => view.postId ?? 0);
    },
  };
}
