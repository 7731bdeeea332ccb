// The row of an upload, whichever door it came by: begun with its media, found by its owner alone, shown as it stands.
import { randomBytes } from 'node:crypto';
import type { Database, Reader, Transaction } from '../../platform/database/database.ts';
import { invalid, notFound, tooLarge } from '../../platform/errors.ts';
import type { Viewer } from '../users/index.ts';
import { noVideo } from './attachments.ts';
import type { Quota } from './quota.ts';
import type { Upload } from './upload-leases.ts';
import type { ByteRange } from './upload-ranges.ts';
import { isWrittenTo } from './upload-writers.ts';

export interface NewUpload {
  ownerId: number;
  /** The client's name for the upload; empty for none. */
  label: string;
  /** What the file is called. */
  filename: string;
  length: number | null;
  metadata: string | null;
  /** Bytes that are taken from the owner's quota now. */
  reserved: number;
  /** Bytes that the owner must have room for. */
  needed: number;
}

export interface UploadRows {
  /**
   * In a transaction that keeps others from changing the owner's uploads. Throws `not_found` for what is somebody else's, or
   * has expired.
   */
  lock(tx: Transaction, own: { viewer: Viewer; id: string }): Promise<Upload>;
  find(own: { viewer: Viewer; id: string }): Promise<Upload>;
  findLabelled(tx: Transaction, own: { ownerId: number; label: string }): Promise<Upload | undefined>;
  /** Throws `too_large` (`too_many_uploads`, `quota_reached`). The owner's storage is locked already. */
  insert(tx: Transaction, upload: NewUpload): Promise<Upload>;
  /** Whether bytes beyond the offset are there, or on their way. */
  hasParts(tx: Transaction, uploadId: number): Promise<boolean>;
  /** Ranges beyond the offset that are received, in order. */
  listReceived(db: Reader, uploadId: number): Promise<ByteRange[]>;
}

const MAX_LABEL_CHARACTERS = 1_000;
const MAX_OPEN_UPLOADS = 50;

interface UploadRowsOptions {
  database: Database;
  quota: Quota;
  limits: { uploadLifetimeMs: number };
  now: () => number;
}

export function createUploadRows({ database, quota, limits, now }: UploadRowsOptions): UploadRows {
  async function find(db: Reader, { viewer, id }: { viewer: Viewer; id: string }): Promise<Upload> {
    const upload = await db
      .selectFrom('uploads')
      .selectAll()
      .where('draftKey', '=', id)
      .where('ownerId', '=', viewer.profileId)
      .executeTakeFirst();
    if (!upload || isExpired(upload)) throw notFound('upload');
    return upload;
  }

  /** The sweep takes it at any moment. */
  const isExpired = (upload: Upload): boolean =>
    upload.finishedAt === null &&
    upload.updatedAt + limits.uploadLifetimeMs < now() &&
    !isWrittenTo(upload, now());

  return {
    async lock(tx, own) {
      await database.dialect.lock(tx, `storage:${own.viewer.profileId}`);
      return find(tx, own);
    },
    find: (own) => find(database.read, own),
    findLabelled: (tx, { ownerId, label }) =>
      tx
        .selectFrom('uploads')
        .selectAll()
        .where('ownerId', '=', ownerId)
        .where('label', '=', label)
        .executeTakeFirst(),
    async insert(tx, { ownerId, label, filename, length, metadata, reserved, needed }) {
      await checkOpenUploads(tx, ownerId);
      await quota.check(tx, { ownerId, bytes: needed });
      const at = now();
      const media = await tx
        .insertInto('media')
        .values({
          ...{ ownerId, label: filename, size: reserved, createdAt: at, kind: 'video' },
          ...{ postId: null, fileKey: null, width: null, height: null, readyAt: null, ...noVideo },
        })
        .returning('id')
        .executeTakeFirstOrThrow();
      const id = randomBytes(16).toString('hex');
      return tx
        .insertInto('uploads')
        .values({
          ...{ ownerId, mediaId: media.id, draftKey: id, label: label || id, length, metadata },
          ...{ lastChunkHash: null, lastConnection: null, leaseHolder: null },
          ...{ createdAt: at, updatedAt: at, finishedAt: null },
        })
        .returningAll()
        .executeTakeFirstOrThrow();
    },
    async hasParts(tx, uploadId) {
      const part = await tx
        .selectFrom('uploadParts')
        .select('id')
        .where('uploadId', '=', uploadId)
        .limit(1)
        .executeTakeFirst();
      return part !== undefined;
    },
    async listReceived(db, uploadId) {
      return db
        .selectFrom('uploadParts')
        .select(['firstByte as start', 'nextByte as end'])
        .where('uploadId', '=', uploadId)
        .where('leaseHolder', 'is', null)
        .orderBy('firstByte')
        .execute();
    },
  };
}

export function checkLabel(label: string): void {
  if (label === '') throw invalid('label_missing', 'The file name is missing.');
  if (label.length > MAX_LABEL_CHARACTERS)
    throw invalid('label_too_long', `File names may have at most ${MAX_LABEL_CHARACTERS} characters.`);
  if (!label.isWellFormed() || label.includes('\0'))
    throw invalid('label_not_valid', 'The file name has characters that are not valid.');
}

/** The offset after all bytes up to `offset` are there: what had arrived ahead and now follows counts too. */
export async function joinReceived(
  tx: Transaction,
  { uploadId, offset }: { uploadId: number; offset: number },
): Promise<number> {
  const reached = await tx
    .deleteFrom('uploadParts')
    .where('uploadId', '=', uploadId)
    .where('leaseHolder', 'is', null)
    .where('firstByte', '<=', offset)
    .returning('nextByte')
    .execute();
  if (reached.length === 0) return offset;
  // Received ranges that touch are one, so none follows the last of these.
  const joined = Math.max(offset, ...reached.map(({ nextByte }) => nextByte));
  await tx.updateTable('uploads').set({ offset: joined }).where('id', '=', uploadId).execute();
  return joined;
}

async function checkOpenUploads(tx: Transaction, ownerId: number): Promise<void> {
  const open = await tx
    .selectFrom('uploads')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('ownerId', '=', ownerId)
    .where('finishedAt', 'is', null)
    .executeTakeFirstOrThrow();
  if (open.count >= MAX_OPEN_UPLOADS)
    throw tooLarge('too_many_uploads', 'You have too many unfinished uploads. Finish one of them first.');
}
