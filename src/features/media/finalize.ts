// Closing an upload: its bytes become a blob, its media goes onto a post, and the transcode job is written, all of which
// the posts feature calls for inside its own transaction.
import { buffer } from 'node:stream/consumers';
import type { Selectable } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { UploadsTable } from '../../platform/database/tables.ts';
import { conflict, notFound, unsupported } from '../../platform/errors.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { Viewer } from '../users/index.ts';
import type { Attachments } from './attachments.ts';
import { transcodeJob } from './transcode.ts';
import { SNIFF_BYTES, sniffVideo } from './videos/containers.ts';

/** An upload that was looked at and may be closed. */
export interface CheckedUpload {
  upload: Selectable<UploadsTable>;
  fileKey: string;
}

export interface Finalize {
  /**
   * Looks at the bytes of the viewer's own upload. Answers undefined when it is closed already.
   * Throws `not_found`, `conflict` (`upload_empty`) or `unsupported` (`not_a_video`; the upload is dropped then).
   */
  check(options: { viewer: Viewer; mediaId: number }): Promise<CheckedUpload | undefined>;
  /**
   * Attaches the media to the post and queues its transcode; false when somebody else closed the upload meanwhile.
   * Throws `conflict` when the post is full or bytes came in after `check`.
   */
  close(tx: Transaction, options: { checked: CheckedUpload; postId: number }): Promise<boolean>;
  /** After the commit: makes the draft the blob. A crash before this is made good by the transcode job. */
  publish(checked: CheckedUpload): Promise<void>;
  /** Throws `conflict` unless the closed upload went to this post. */
  confirmClosed(options: { mediaId: number; postId: number }): Promise<void>;
}

interface FinalizeOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  attachments: Attachments;
  now: () => number;
}

export function createFinalize({ database, storage, jobs, attachments, now }: FinalizeOptions): Finalize {
  async function drop(upload: Selectable<UploadsTable>): Promise<void> {
    await database.transaction(async (tx) => {
      await tx.deleteFrom('media').where('id', '=', upload.mediaId).execute();
      await removeAfterCommit(jobs, tx, { drafts: [upload.draftKey] });
    });
  }

  return {
    async check({ viewer, mediaId }) {
      const upload = await database.read
        .selectFrom('uploads')
        .selectAll()
        .where('mediaId', '=', mediaId)
        .where('ownerId', '=', viewer.profileId)
        .executeTakeFirst();
      if (!upload) throw notFound('upload');
      if (upload.finishedAt !== null) return undefined;
      if (upload.offset === 0) throw conflict('upload_empty', 'This upload has no bytes yet.', { offset: 0 });
      const head = await buffer(
        storage.drafts.read(upload.draftKey, { start: 0, end: Math.min(SNIFF_BYTES, upload.offset) - 1 }),
      );
      const container = sniffVideo(head);
      if (!container) {
        await drop(upload);
        throw unsupported('not_a_video', 'This file is not a video we can read.');
      }
      return { upload, fileKey: `videos/${upload.draftKey}.${container.extension}` };
    },

    async close(tx, { checked: { upload, fileKey }, postId }) {
      const at = now();
      const { numUpdatedRows } = await tx
        .updateTable('uploads')
        .set({ finishedAt: at, updatedAt: at })
        .where('id', '=', upload.id)
        .where('finishedAt', 'is', null)
        .where('offset', '=', upload.offset)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) {
        const closed = await tx
          .selectFrom('uploads')
          .select('id')
          .where('id', '=', upload.id)
          .where('finishedAt', 'is not', null)
          .executeTakeFirst();
        if (closed) return false;
        throw conflict('upload_changed', 'This upload changed meanwhile. Please try again.');
      }
      const position = await attachments.nextPosition(tx, postId);
      await tx
        .updateTable('media')
        .set({ postId, position, fileKey, size: upload.offset })
        .where('id', '=', upload.mediaId)
        .execute();
      await jobs.enqueue(tx, transcodeJob, {
        payload: { mediaId: upload.mediaId },
        uniqueKey: String(upload.mediaId),
      });
      return true;
    },

    publish: ({ upload, fileKey }) => storage.drafts.publish(upload.draftKey, upload.offset, fileKey),

    async confirmClosed({ mediaId, postId }) {
      const media = await database.read
        .selectFrom('media')
        .select('postId')
        .where('id', '=', mediaId)
        .executeTakeFirst();
      if (media?.postId !== postId) throw conflict('upload_closed', 'This upload belongs to another post.');
    },
  };
}
