// Pictures and videos onto one's own post.
import { afterCommit, type Database, type Transaction } from '../../platform/database/database.ts';
import { DomainError, notFound } from '../../platform/errors.ts';
import { checkDescription, type Description } from '../../platform/pictures/records.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import type { Media } from '../media/index.ts';
import type { Viewer } from '../users/index.ts';
import { createThreads } from './queries.ts';

export interface Attaching {
  /** Throws `not_found` or `forbidden` for the post, `conflict` when it is full, and what a bad picture throws. */
  addPicture(picture: Description & { viewer: Viewer; postId: number; bytes: Buffer }): Promise<void>;
  /**
   * Says what is to be seen on one's own picture, and where to look first; what is absent stays. Answers the post's id.
   * Throws `not_found` for anything but the viewer's own picture, `invalid` for a bad text or place.
   */
  describePicture(picture: Description & { viewer: Viewer; mediaId: number }): Promise<number>;
  /** Closes the viewer's upload, known by its media or by its own id, and puts it onto the post. Idempotent. Throws as `Finalize` does. */
  addVideo(video: { viewer: Viewer; postId: number; upload: number | string }): Promise<void>;
}

export function createAttaching({
  database,
  bus,
  media,
  now,
}: {
  database: Database;
  bus: Bus;
  media: Media;
  now: () => number;
}): Attaching {
  const { attachments, finalize } = media;
  const threads = createThreads(database, now);
  async function touch(tx: Transaction, postId: number): Promise<void> {
    await threads.touch(tx, postId);
    afterCommit(tx, () => bus.publish(topics.authorship(), { postId }));
  }
  return {
    async addPicture({ viewer, postId, bytes, ...description }) {
      checkDescription(description);
      // Before the costly work, and again in the transaction that counts.
      await threads.findOwnPost({ id: postId, viewer });
      const stored = await attachments.storePicture(bytes);
      try {
        await database.transaction(async (tx) => {
          await threads.findOwnPost({ within: tx, id: postId, viewer });
          const picture = { stored, ownerId: viewer.profileId, postId, ...description };
          await attachments.insertPicture(tx, picture);
          await touch(tx, postId);
        });
      } catch (error) {
        // Only a refusal is certain to have committed nothing; after anything else the sweep decides.
        if (error instanceof DomainError) await attachments.discardPicture(stored);
        throw error;
      }
    },

    async describePicture({ viewer, mediaId, ...description }) {
      checkDescription(description);
      return database.transaction(async (tx) => {
        const picture = { mediaId, ownerId: viewer.profileId };
        const postId = await attachments.findPictureOf(tx, picture);
        if (postId === undefined) throw notFound('media');
        await threads.findOwnPost({ within: tx, id: postId, viewer });
        if (!(await attachments.describe(tx, { ...picture, description }))) throw notFound('media');
        await touch(tx, postId);
        return postId;
      });
    },

    async addVideo({ viewer, postId, upload }) {
      await threads.findOwnPost({ id: postId, viewer });
      const mediaId = typeof upload === 'number' ? upload : await finalize.identify({ viewer, id: upload });
      const checked = await finalize.check({ viewer, mediaId });
      if (!checked) return finalize.confirmClosed({ mediaId, postId });
      const closed = await database.transaction(async (tx) => {
        await threads.findOwnPost({ within: tx, id: postId, viewer });
        await touch(tx, postId);
        return finalize.close(tx, { checked, postId });
      });
      if (closed) await finalize.publish(checked);
      else await finalize.confirmClosed({ mediaId, postId });
    },
  };
}
