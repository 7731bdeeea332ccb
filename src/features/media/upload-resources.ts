// Uploads as resources that a client knows by an id: begun with or without a length, looked at, given up. The bytes
// come by upload-bodies.ts, in order, and by upload-parts.ts, in any order.
import type { Database, Transaction } from '../../platform/database/database.ts';
import { conflict, invalid, tooLarge } from '../../platform/errors.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Viewer } from '../users/index.ts';
import type { Quota } from './quota.ts';
import type { Upload, UploadLeases } from './upload-leases.ts';
import { type ByteRange, findGaps } from './upload-ranges.ts';
import { checkLabel, type UploadRows } from './upload-rows.ts';

/** An upload as its owner sees it. */
export interface UploadState {
  /** 32 hexadecimal digits. */
  id: string;
  mediaId: number;
  /** Bytes from the beginning on that are durable. */
  offset: number;
  /** Bytes of the whole file; null until the client has said so. */
  length: number | null;
  /** `Upload-Metadata` as the client sent it. */
  metadata: string | null;
  /** Epoch milliseconds; null once it is closed. */
  expiresAt: number | null;
  /** It has become a post's video, and takes no more bytes. */
  isClosed: boolean;
}

export type Own = { viewer: Viewer; id: string };

export interface UploadResources {
  /**
   * Takes the declared length from the owner's quota, or, where that is not known yet, the bytes that are `reserved` for it
   * until it is. Throws `invalid` (`label_too_long`, `label_not_valid`), `too_large`
   * (`video_too_large`, `quota_reached`, `too_many_uploads`).
   */
  create(upload: {
    viewer: Viewer;
    label: string;
    length: number | null;
    metadata: string | null;
    reserved?: number | undefined;
  }): Promise<UploadState>;
  /**
   * As it stands once nobody writes to its end any more: who does is asked to stop. Throws `not_found`, also for what is
   * somebody else's or has expired, or `unavailable` (`upload_busy`).
   */
  settle(own: Own): Promise<UploadState>;
  /** As it stands at this moment, with what is still missing. */
  look(own: Own): Promise<UploadState & { missing: ByteRange[] }>;
  /**
   * Says that it ends at `offset`, where it has to stand: that is its length from now on. Throws as `settle`, `conflict`
   * (`offset_mismatch`, `upload_closed`) or `invalid` (`length_not_valid`) when it was begun with another length.
   */
  complete(own: Own & { offset: number }): Promise<UploadState>;
  /** Removes it with its bytes. Throws as `settle`, and `conflict` (`upload_closed`). */
  remove(own: Own): Promise<void>;
  /** In the lease's transaction: refuses a closed or expired upload. */
  lockOpen(tx: Transaction, own: Own): Promise<Upload>;
  /** The same, and one that does not stand at `offset`: `conflict` (`offset_mismatch`). */
  lockAt(tx: Transaction, own: Own & { offset: number }): Promise<Upload>;
  /** Sets the length, which then stays. Throws `invalid` (`length_not_valid`) or `too_large`. */
  declareLength(tx: Transaction, declared: { upload: Upload; length: number }): Promise<Upload>;
  describe(upload: Upload): UploadState;
}

interface UploadResourcesOptions {
  database: Database;
  jobs: Jobs;
  rows: UploadRows;
  leases: UploadLeases;
  quota: Quota;
  limits: { videoBytes: number; uploadLifetimeMs: number };
}

export function createUploadResources(options: UploadResourcesOptions): UploadResources {
  const { database, jobs, rows, leases, quota, limits } = options;

  const describe = (upload: Upload): UploadState => ({
    id: upload.draftKey,
    mediaId: upload.mediaId,
    offset: upload.offset,
    length: upload.length,
    metadata: upload.metadata,
    expiresAt: upload.finishedAt === null ? upload.updatedAt + limits.uploadLifetimeMs : null,
    isClosed: upload.finishedAt !== null,
  });

  function checkLength(length: number): void {
    if (length > limits.videoBytes)
      throw tooLarge('video_too_large', `Videos may have at most ${limits.videoBytes} bytes.`);
  }

  async function lockOpen(tx: Transaction, own: Own): Promise<Upload> {
    const upload = await rows.lock(tx, own);
    if (upload.finishedAt !== null)
      throw conflict('upload_closed', 'This upload is finished.', { offset: upload.offset });
    return upload;
  }

  async function lockAt(tx: Transaction, own: Own & { offset: number }): Promise<Upload> {
    const upload = await lockOpen(tx, own);
    if (upload.offset !== own.offset)
      throw conflict('offset_mismatch', `This upload stands at byte ${upload.offset}.`, {
        offset: upload.offset,
      });
    return upload;
  }

  const resources: UploadResources = {
    describe,

    async create({ viewer, label, length, metadata, reserved = 0 }) {
      if (label !== '') checkLabel(label);
      if (length !== null) checkLength(length);
      const ownerId = viewer.profileId;
      const bytes = length ?? reserved;
      const upload = await database.transaction(async (tx) => {
        await database.dialect.lock(tx, `storage:${ownerId}`);
        // Two files may be called the same; only the first is found by its name.
        const isTaken = label !== '' && (await rows.findLabelled(tx, { ownerId, label })) !== undefined;
        return rows.insert(tx, {
          ...{ ownerId, label: isTaken ? '' : label, filename: label },
          ...{ length, metadata, reserved: bytes, needed: bytes },
        });
      });
      return describe(upload);
    },

    async settle(own) {
      const upload = await leases.whenUnused(() => rows.find(own), { stopsWriter: true });
      return describe(upload);
    },

    async look(own) {
      const upload = await rows.find(own);
      const received = await rows.listReceived(database.read, upload.id);
      const end = upload.length ?? upload.offset;
      return { ...describe(upload), missing: findGaps({ start: upload.offset, end }, received) };
    },

    async complete({ offset, ...own }) {
      await leases.hold({
        find: (tx) => lockAt(tx, { ...own, offset }),
        work: async (upload) => ({
          result: undefined,
          async within(tx) {
            await resources.declareLength(tx, { upload, length: offset });
          },
        }),
      });
      return describe(await rows.find(own));
    },

    remove: (own) =>
      leases.hold({
        find: (tx) => lockOpen(tx, own),
        work: async ({ mediaId, draftKey }) => ({
          result: undefined,
          async within(tx) {
            await tx.deleteFrom('media').where('id', '=', mediaId).execute();
            await removeAfterCommit(jobs, tx, { drafts: [draftKey] });
          },
        }),
      }),

    lockOpen,
    lockAt,

    async declareLength(tx, { upload, length }) {
      if (length === upload.length) return upload;
      if (upload.length !== null || length < upload.offset)
        throw invalid(
          'length_not_valid',
          'The length of an upload is said once, and is not less than what is there.',
        );
      checkLength(length);
      await quota.check(tx, { ownerId: upload.ownerId, bytes: length - upload.offset });
      await tx.updateTable('media').set({ size: length }).where('id', '=', upload.mediaId).execute();
      await tx.updateTable('uploads').set({ length }).where('id', '=', upload.id).execute();
      return { ...upload, length };
    },
  };
  return resources;
}
