// Bytes that continue an upload at its end, streamed to the disk under its lease. What is acknowledged is durable. A
// body that breaks off leaves what had arrived, unless a checksum says that it counts as a whole or not at all.
import type { Readable } from 'node:stream';
import type { Reader, Transaction } from '../../platform/database/database.ts';
import { tooLarge, unavailable } from '../../platform/errors.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { type Checksum, createIntake, type Intake } from './intake.ts';
import type { Quota } from './quota.ts';
import type { Lease, Upload, UploadLeases } from './upload-leases.ts';
import { type ByteRange, nextStretch } from './upload-ranges.ts';
import type { Own, UploadResources, UploadState } from './upload-resources.ts';
import { joinReceived, type UploadRows } from './upload-rows.ts';

export interface Body {
  content: Readable;
  /** Bytes, where the client says it before they come. */
  announced: number | undefined;
  checksum?: Checksum | undefined;
}

export interface ReceivedBody {
  state: UploadState;
  /** How the body ended: `stopped` when somebody else wanted the upload. */
  end: 'whole' | 'broken' | 'stopped';
}

export interface UploadBodies {
  /**
   * Writes the body at `offset`, which must be where the upload stands; before that it sets a `length` that was open until now.
   * Refuses before a byte of the body is read whatever can be told by then. Throws `not_found`, `conflict` (`offset_mismatch`,
   * `upload_closed`), `too_large` (`body_too_large`, `quota_reached`), `invalid` (`checksum_mismatch`, `length_not_valid`) or
   * `unavailable` (`upload_busy`, `body_incomplete`).
   */
  receive(
    given: Own & {
      offset: number;
      length?: number | undefined;
      body: Body;
      /** Hears where the upload stands whenever that is recorded on the way. */
      onRecorded?: ((offset: number) => void) | undefined;
    },
  ): Promise<ReceivedBody>;
}

/** Bytes that may be lost to a crash while a long body comes in. */
const CHECKPOINT = 64 * 2 ** 20;

interface UploadBodiesOptions {
  storage: Storage;
  read: Reader;
  resources: UploadResources;
  rows: UploadRows;
  leases: UploadLeases;
  quota: Quota;
  limits: { videoBytes: number };
}

/** A body on its way to its place. */
interface Arrival {
  upload: Upload;
  lease: Lease;
  intake: Intake;
  received: readonly ByteRange[];
  onRecorded: ((offset: number) => void) | undefined;
}

export function createUploadBodies(options: UploadBodiesOptions): UploadBodies {
  const { storage, read, resources, rows, leases, quota, limits } = options;

  return {
    async receive({ viewer, id, offset, length, body, onRecorded }) {
      let end: ReceivedBody['end'] = 'whole';
      await leases.hold({
        async find(tx) {
          const upload = await resources.lockAt(tx, { viewer, id, offset });
          return length === undefined ? upload : resources.declareLength(tx, { upload, length });
        },
        async work(upload, lease) {
          const most = await findRoom(upload);
          if (body.announced !== undefined && body.announced > most) throw tooMuch();
          using intake = createIntake({
            ...{ body: body.content, stop: lease.ended, most, checksum: body.checksum },
            confirm: lease.confirm,
          });
          const received = await rows.listReceived(read, upload.id);
          const arrival = { upload, lease, intake, received, onRecorded };
          const reached = await store(arrival, body.checksum === undefined);
          end = intake.end ?? 'whole';
          if (body.checksum && end !== 'whole')
            throw unavailable('body_incomplete', 'The request broke off, and its checksum is of the whole.');
          intake.verify();
          return { ...progressTo(arrival, reached), result: undefined };
        },
      });
      return { state: resources.describe(await rows.find({ viewer, id })), end };
    },
  };

  /** Bytes that the upload may still take. */
  async function findRoom({ length, offset, ownerId, mediaId }: Upload): Promise<number> {
    if (length !== null) return length - offset;
    const reserved = (await findSize(read, mediaId)) - offset;
    return Math.min(limits.videoBytes - offset, (await quota.room(ownerId)) + reserved);
  }

  /** Writes all that comes and answers where it ends. What is received already is passed over. */
  async function store(arrival: Arrival, recordsOnTheWay: boolean): Promise<number> {
    const { upload, lease, intake, received, onRecorded } = arrival;
    let at = upload.offset;
    let recordedAt = at;
    while (!(await intake.isOver())) {
      const stretch = nextStretch(at, received);
      const most = Math.min(stretch.end, recordedAt + CHECKPOINT) - at;
      at += stretch.isReceived ? await passOver(intake, most) : await write(arrival, { at, most });
      if (!recordsOnTheWay || at < recordedAt + CHECKPOINT) continue;
      await lease.record(progressTo(arrival, at));
      recordedAt = at;
      onRecorded?.(at);
    }
    return at;
  }

  function write({ upload, intake }: Arrival, { at, most }: { at: number; most: number }): Promise<number> {
    const place = { offset: at, fence: upload.leaseNumber };
    return storage.drafts.write(upload.draftKey, place, intake.take(most));
  }

  /** `at` may lie in the midst of what was received before: that stays, as a whole. */
  function progressTo({ upload, received }: Arrival, at: number) {
    const { id, mediaId, ownerId, length } = upload;
    const stretch = nextStretch(at, received);
    const offset = stretch.isReceived ? stretch.end : at;
    // No bytes of a classic client, so none that it may send again.
    const progress = { offset, lastChunkHash: null, lastChunkSize: 0, lastConnection: null };
    const within = async (tx: Transaction): Promise<void> => {
      const reached = await joinReceived(tx, { uploadId: id, offset });
      if (length !== null) return;
      const size = await findSize(tx, mediaId);
      if (reached <= size) return;
      // Once more, as other pieces of the owner's may have come in meanwhile.
      await quota.check(tx, { ownerId, bytes: reached - size });
      await tx.updateTable('media').set({ size: reached }).where('id', '=', mediaId).execute();
    };
    return { progress, within };
  }
}

/** Bytes that are taken from the owner's quota for it. */
async function findSize(db: Reader, mediaId: number): Promise<number> {
  const { size } = await db
    .selectFrom('media')
    .select('size')
    .where('id', '=', mediaId)
    .executeTakeFirstOrThrow();
  return size;
}

async function passOver(intake: Intake, most: number): Promise<number> {
  let passed = 0;
  for await (const piece of intake.take(most)) passed += piece.length;
  return passed;
}

const tooMuch = () => tooLarge('body_too_large', 'The request brings more bytes than the upload may have.');
