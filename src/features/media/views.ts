// Media as a post shows it, for many posts at a time.
import type { Database } from '../../platform/database/database.ts';

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
  /** A sentence for the owner, when the video could not be processed. */
  failure: string | null;
}

export interface MediaViews {
  /** In the order in which they were attached. */
  byPost(postIds: readonly number[]): Promise<Map<number, MediaView[]>>;
}

const columns = ['id', 'postId', 'kind', 'label', 'fileKey', 'hlsPrefix', 'failure'] as const;

export function createMediaViews({ database }: { database: Database }): MediaViews {
  const { isOneOf } = database.dialect;
  const find = database.prepare((read, { postIds }: { postIds: readonly number[] }) =>
    read
      .selectFrom('media')
      .select(columns)
      .where(isOneOf('postId', postIds))
      .where('fileKey', 'is not', null)
      .orderBy('postId')
      .orderBy('position')
      .orderBy('id'),
  );
  return {
    async byPost(postIds) {
      return Map.groupBy(await find({ postIds }), (row) => row.postId ?? 0);
    },
  };
}
