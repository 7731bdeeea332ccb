// Putting media on a post and taking it off, in the caller's transaction: the posts feature says who may.
import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import { conflict } from '../../platform/errors.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { Pictures } from '../../platform/pictures/pictures.ts';
import type { Description, PictureRecords } from '../../platform/pictures/records.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { captionKeys } from './caption-tracks.ts';
import type { Quota } from './quota.ts';

/** A picture that is stored and waits for its row. */
export interface StoredPicture {
  key: string;
  size: number;
  width: number;
  height: number;
  blurhash: string;
}

export interface Attachments {
  /**
   * Re-encodes and stores a post's picture under a random name, or `name`, which nobody can guess either.
   * Throws what `Pictures.normalise` throws.
   */
  storePicture(bytes: Buffer, name?: string): Promise<StoredPicture>;
  discardPicture(picture: StoredPicture): Promise<void>;
  /** Puts a stored picture last on the post. Throws `conflict` when the post is full, `too_large` when the quota is. */
  insertPicture(
    tx: Transaction,
    picture: Description & { stored: StoredPicture; ownerId: number; postId: number },
  ): Promise<void>;
  /** The post that shows this person's picture, if it is one. */
  findPictureOf(tx: Transaction, picture: { mediaId: number; ownerId: number }): Promise<number | undefined>;
  /** False when it is not there any more. */
  describe(
    tx: Transaction,
    picture: { mediaId: number; ownerId: number; description: Description },
  ): Promise<boolean>;
  /** Where the next media of the post goes. Throws `conflict` when the post is full. */
  nextPosition(tx: Transaction, postId: number): Promise<number>;
  /** Removes media of these posts (only those among `mediaIds`, when given): rows at once, files by a job. */
  remove(
    tx: Transaction,
    options: { postIds: readonly number[]; mediaIds?: readonly number[] },
  ): Promise<void>;
}

interface AttachmentsOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  pictures: Pictures;
  records: PictureRecords;
  quota: Quota;
  limits: { mediaPerPost: number };
  now: () => number;
}

const FIT = { width: 2_048, height: 2_048, mode: 'inside' } as const;

export function createAttachments(options: AttachmentsOptions): Attachments {
  const { database, storage, jobs, pictures, records, quota, limits, now } = options;
  const nextPosition: Attachments['nextPosition'] = async (tx, postId) => {
    await database.dialect.lock(tx, `thread:${postId}`);
    const { count, last } = await tx
      .selectFrom('media')
      .select([sql<number>`count(*)`.as('count'), sql<number | null>`max(position)`.as('last')])
      .where('postId', '=', postId)
      .executeTakeFirstOrThrow();
    if (count >= limits.mediaPerPost)
      throw conflict('post_full', `A post holds at most ${limits.mediaPerPost} pictures and videos.`);
    return (last ?? -1) + 1;
  };
  const findPicture = (tx: Transaction, { mediaId, ownerId }: { mediaId: number; ownerId: number }) =>
    tx
      .selectFrom('media')
      .select(['postId', 'fileKey'])
      .where('id', '=', mediaId)
      .where('ownerId', '=', ownerId)
      .where('kind', '=', 'picture')
      .executeTakeFirst();
  return {
    async storePicture(bytes, name = randomBytes(16).toString('hex')) {
      const picture = await pictures.normalise(bytes, FIT);
      const key = `pictures/${name}.${picture.extension}`;
      await storage.blobs.put(key, picture.bytes);
      const { width, height, blurhash } = picture;
      return { key, size: picture.bytes.length, width, height, blurhash };
    },
    discardPicture: ({ key }) => storage.blobs.remove([key]),
    nextPosition,
    async insertPicture(tx, { stored, ownerId, postId, alt, focus }) {
      const { key, size, width, height, blurhash } = stored;
      const position = await nextPosition(tx, postId);
      await quota.check(tx, { ownerId, bytes: size });
      const at = now();
      await tx
        .insertInto('media')
        .values({
          ownerId,
          postId,
          position,
          kind: 'picture',
          fileKey: key,
          size,
          width,
          height,
          ...noVideo,
          createdAt: at,
          readyAt: at,
        })
        .execute();
      const picture = { key, role: 'post', shownOn: postId, width, height, blurhash } as const;
      await records.add(tx, { ...picture, alt, focus });
    },
    findPictureOf: async (tx, picture) => (await findPicture(tx, picture))?.postId ?? undefined,
    async describe(tx, { description, ...picture }) {
      const key = (await findPicture(tx, picture))?.fileKey;
      return typeof key === 'string' && (await records.describe(tx, key, description));
    },
    async remove(tx, { postIds, mediaIds }) {
      if (postIds.length === 0 || mediaIds?.length === 0) return;
      let chosen = tx.selectFrom('media').select('id').where('postId', 'in', postIds);
      if (mediaIds) chosen = chosen.where('id', 'in', mediaIds);
      const drafts = await tx
        .selectFrom('uploads')
        .select('draftKey')
        .where('mediaId', 'in', chosen)
        .execute();
      const rows = await tx.deleteFrom('media').where('id', 'in', chosen).returningAll().execute();
      const renditions = await records.forget(
        tx,
        rows.filter(({ kind }) => kind === 'picture').map((row) => row.fileKey),
      );
      await removeAfterCommit(jobs, tx, {
        keys: rows.flatMap((row) => [
          row.fileKey,
          row.sourceKey,
          row.posterKey,
          ...captionKeys(row.captions),
        ]),
        prefixes: rows.flatMap((row) => [row.hlsPrefix, row.draftPrefix]).concat(renditions),
        drafts: drafts.map((row) => row.draftKey),
      });
    },
  };
}

/** The columns that only a video fills. */
export const noVideo = {
  hlsPrefix: null,
  draftPrefix: null,
  encodeRun: null,
  sourceKey: null,
  posterKey: null,
  storyboardKey: null,
  sizes: null,
  progress: null,
  captions: null,
  durationMs: null,
  failedAt: null,
  failure: null,
} as const;
