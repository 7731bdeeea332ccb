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
import type { UploadLeases } from './upload-leases.ts';
import { findGaps } from './upload-ranges.ts';
import type { UploadRows } from './upload-rows.ts';
import { isWrittenTo } from './upload-writers.ts';
import { SNIFF_BYTES, sniffVideo } from './videos/containers.ts';

/** An upload that was looked at and may be closed. */
export interface CheckedUpload {
  upload: Selectable<UploadsTable>;
  fileKey: string;
}

export interface Finalize {
  /**
   * Looks at the bytes of the viewer's own upload, once nobody writes to it. Answers undefined when it is closed already.
   * Throws `not_found`, `unavailable` (`upload_busy`), `conflict` (`upload_empty`, `upload_incomplete` with what is missing) or
   * `unsupported` (`not_a_video`; the upload is dropped then).
   */
  check(options: { viewer: Viewer; mediaId: number }): Promise<CheckedUpload | undefined>;
  /**
   * Attaches the media to the post and queues its transcode; false when somebody else closed the upload meanwhile.
   * Throws `conflict` when the post is full or somebody went on writing after `check`.
   */
  close(tx: Transaction, options: { checked: CheckedUpload; postId: number }): Promise<boolean>;
  /** After the commit: makes the draft the blob. A crash before this is made good by the transcode job. */
  publish(checked: CheckedUpload): Promise<void>;
  /** Throws `conflict` unless the closed upload went to this post. */
  confirmClosed(options: { mediaId: number; postId: number }): Promise<void>;
  /** The media that the viewer's own upload with this id is of. Throws `not_found`. */
  identify(options: { viewer: Viewer; id: string }): Promise<number>;
}

interface FinalizeOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  attachments: Attachments;
  rows: UploadRows;
  leases: UploadLeases;
  now: () => number;
}

export function createFinalize(options: FinalizeOptions): Finalize {
  const { database, storage, jobs, attachments, leases, now } = options;

  async function drop(upload: Selectable<UploadsTable>): Promise<void> {
    await database.transaction(async (tx) => {
      await tx.deleteFrom('media').where('id', '=', upload.mediaId).execute();
      await removeAfterCommit(jobs, tx, { drafts: [upload.draftKey] });
    });
  }

  async function find({ viewer, mediaId }: { viewer: Viewer; mediaId: number }) {
    const upload = await database.read
      .selectFrom('uploads')
      .selectAll()
      .where('mediaId', '=', mediaId)
      .where('ownerId', '=', viewer.profileId)
      .executeTakeFirst();
    if (!upload) throw notFound('upload');
    return upload;
  }

  return {
    async check(own) {
      const upload = await leases.whenUnused(() => find(own));
      if (upload.finishedAt !== null) return undefined;
      if (upload.offset === 0) throw conflict('upload_empty', 'This upload has no bytes yet.', { offset: 0 });
      await requireWhole(upload, options);
      const end = Math.min(SNIFF_BYTES, upload.offset) - 1;
      let head: Buffer;
      try {
        head = await buffer(storage.drafts.read(upload.draftKey, { start: 0, end }));
      } catch (error) {
        // Somebody else closed it just now, and the draft is a blob.
        if ((await find(own)).finishedAt !== null) return undefined;
        throw error;
      }
      const container = sniffVideo(head);
      if (!container) {
        await drop(upload);
        throw unsupported('not_a_video', 'This file is not a video we can read.');
      }
      return { upload, fileKey: `videos/${upload.draftKey}.${container.extension}` };
    },

    async close(tx, { checked: { upload, fileKey }, postId }) {
      await database.dialect.lock(tx, `storage:${upload.ownerId}`);
      const at = now();
      const current = await tx
        .selectFrom('uploads')
        .selectAll()
        .where('id', '=', upload.id)
        .executeTakeFirst();
      if (current && current.finishedAt !== null) return false;
      if (!current || current.offset !== upload.offset || isWrittenTo(current, at))
        throw conflict('upload_changed', 'This upload changed meanwhile. Please try again.');
      await tx
        .updateTable('uploads')
        .set({ finishedAt: at, updatedAt: at, leaseHolder: null, leaseUntil: 0 })
        .where('id', '=', upload.id)
        .execute();
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

    async publish({ upload, fileKey }) {
      try {
        await storage.drafts.publish(upload.draftKey, { size: upload.offset, blobKey: fileKey });
      } catch (error) {
        // Deleted or encoded meanwhile: the file is not wanted any more.
        const media = await database.read
          .selectFrom('media')
          .select('fileKey')
          .where('id', '=', upload.mediaId)
          .executeTakeFirst();
        if (media?.fileKey === fileKey) throw error;
      }
    },

    async confirmClosed({ mediaId, postId }) {
      const media = await database.read
        .selectFrom('media')
        .select('postId')
        .where('id', '=', mediaId)
        .executeTakeFirst();
      if (media?.postId !== postId) throw conflict('upload_closed', 'This upload belongs to another post.');
    },

    async identify({ viewer, id }) {
      const upload = await database.read
        .selectFrom('uploads')
        .select('mediaId')
        .where('draftKey', '=', id)
        .where('ownerId', '=', viewer.profileId)
        .executeTakeFirst();
      if (!upload) throw notFound('upload');
      return upload.mediaId;
    },
  };
}

/** Throws `conflict` while bytes of the declared length are missing. */
async function requireWhole(
  { id, offset, length }: Selectable<UploadsTable>,
  { database, rows }: Pick<FinalizeOptions, 'database' | 'rows'>,
): Promise<void> {
  if (length === null || offset === length) return;
  const received = await rows.listReceived(database.read, id);
  const missing = findGaps({ start: offset, end: length }, received);
  throw conflict('upload_incomplete', 'Bytes of this upload are still missing.', { offset, missing });
}
