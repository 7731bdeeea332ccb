// Parts of an upload that come in any order, several at a time, each written in place: no pass puts them together
// afterwards. Each is claimed by a row of its own while it is written; claims and received ranges never overlap, so
// writers of one upload do not meet.
import { createHash } from 'node:crypto';
import type { Database, Transaction } from '../../platform/database/database.ts';
import { newLeaseHolder } from '../../platform/jobs/holder.ts';
import { conflict, invalid, tooLarge, unavailable } from '../../platform/errors.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { createIntake } from './intake.ts';
import type { Body } from './upload-bodies.ts';
import type { Upload, UploadLeases } from './upload-leases.ts';
import type { Own, UploadResources, UploadState } from './upload-resources.ts';
import { joinReceived, type UploadRows } from './upload-rows.ts';
import {
  busy,
  isWrittenTo,
  LEASE_MS,
  type Keeping,
  patiently,
  type Writer,
  type Writers,
} from './upload-writers.ts';

export interface UploadParts {
  /**
   * Writes the body at `offset`, wherever that is within the declared length; a part that is there already is compared
   * instead. Throws `not_found`, `conflict` (`length_unknown`, `part_overlaps`, `part_differs`, `too_many_parts`, `upload_closed`),
   * `too_large` (`body_too_large`), `invalid` (`part_empty`, `checksum_mismatch`) or `unavailable` (`upload_busy`, `body_incomplete`).
   */
  put(part: Own & { offset: number; body: Body & { announced: number } }): Promise<UploadState>;
}

/** Ranges of one upload that lie apart. */
const MAX_PARTS = 1_000;

interface UploadPartsOptions {
  database: Database;
  storage: Storage;
  resources: UploadResources;
  rows: UploadRows;
  leases: UploadLeases;
  writers: Writers;
  now: () => number;
}

interface Claim {
  id: number;
  holder: string;
  upload: Upload;
  start: number;
  end: number;
}

export function createUploadParts(options: UploadPartsOptions): UploadParts {
  const { database, storage, resources, rows, leases, writers, now } = options;

  return {
    async put({ viewer, id, offset, body }) {
      const place = { start: offset, end: offset + body.announced };
      if (body.announced === 0) throw invalid('part_empty', 'A part has at least one byte.');
      const claim = await patiently(() => tryToClaim({ viewer, id }, place));
      if (claim === 'stored') await compare({ viewer, id }, { offset, body });
      else await fill(claim, body);
      return resources.describe(await rows.find({ viewer, id }));
    },
  };

  /** Undefined while somebody else writes there, who is asked to stop. */
  async function tryToClaim(
    own: Own,
    place: { start: number; end: number },
  ): Promise<Claim | 'stored' | undefined> {
    const tried = await database.transaction(async (tx) => {
      const upload = await resources.lockOpen(tx, own);
      const { start, end } = place;
      if (upload.length === null)
        throw conflict('length_unknown', 'Parts are for uploads whose length is known.');
      if (end > upload.length)
        throw tooLarge('body_too_large', 'The request brings more bytes than the upload may have.');
      if (end <= upload.offset) return 'stored';
      const inTheWay = await findInTheWay(tx, upload, place);
      if (inTheWay.others.length > 0) return inTheWay.others;
      if (inTheWay.isThere) return 'stored';
      if (inTheWay.overlaps || start < upload.offset)
        throw conflict('part_overlaps', 'Some of these bytes are there already, and some are not.', {
          offset: upload.offset,
        });
      return claim(tx, upload, place);
    });
    if (!Array.isArray(tried)) return tried;
    await leases.stop(tried);
    return undefined;
  }

  async function findInTheWay(
    tx: Transaction,
    upload: Upload,
    { start, end }: { start: number; end: number },
  ) {
    const at = now();
    const near = await tx
      .selectFrom('uploadParts')
      .selectAll()
      .where('uploadId', '=', upload.id)
      .where('firstByte', '<', end)
      .where('nextByte', '>', start)
      .execute();
    const writing = near.filter((part) => isWrittenTo(part, at));
    const gone = near.filter((part) => part.leaseHolder !== null && !writing.includes(part));
    const received = near.filter(({ leaseHolder }) => leaseHolder === null);
    for (const part of gone) await tx.deleteFrom('uploadParts').where('id', '=', part.id).execute();
    const others = [
      ...(isWrittenTo(upload, at)
        ? [{ table: 'uploads' as const, leaseHolder: upload.leaseHolder ?? '' }]
        : []),
      ...writing.map(({ leaseHolder }) => ({
        table: 'uploadParts' as const,
        leaseHolder: leaseHolder ?? '',
      })),
    ];
    return {
      others,
      isThere: received.some(({ firstByte, nextByte }) => firstByte <= start && end <= nextByte),
      overlaps: received.length > 0,
    };
  }

  async function claim(
    tx: Transaction,
    upload: Upload,
    { start, end }: { start: number; end: number },
  ): Promise<Claim> {
    const { count } = await tx
      .selectFrom('uploadParts')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('uploadId', '=', upload.id)
      .executeTakeFirstOrThrow();
    if (count >= MAX_PARTS)
      throw conflict('too_many_parts', 'Too many parts lie apart. Fill the gaps between them first.');
    const at = now();
    const counted = await tx
      .updateTable('uploads')
      // A fence of its own, as for a lease on the whole.
      .set((row) => ({ leaseNumber: row('leaseNumber', '+', 1), updatedAt: at }))
      .where('id', '=', upload.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const holder = newLeaseHolder();
    const { id } = await tx
      .insertInto('uploadParts')
      .values({
        uploadId: upload.id,
        ...{ firstByte: start, nextByte: end, leaseHolder: holder, leaseUntil: at + LEASE_MS },
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    return { id, holder, upload: counted, start, end };
  }

  async function fill(claimed: Claim, body: Body): Promise<void> {
    const { upload, start, end, holder } = claimed;
    using writer = writers.begin(holder, keeping(claimed));
    let arrived = 0;
    try {
      using intake = openIntake(body, { writer, most: end - start });
      const place = { offset: start, fence: upload.leaseNumber };
      const written = await storage.drafts.write(upload.draftKey, place, intake.take(end - start));
      const isWhole = written === end - start;
      if (body.checksum && !isWhole) throw incomplete();
      intake.verify();
      arrived = written;
    } finally {
      await settle(claimed, arrived);
    }
    if (arrived < end - start) throw incomplete();
  }

  /** Makes the claim a received range of so many bytes, and one with those it touches. */
  async function settle({ id, holder, upload, start }: Claim, bytes: number): Promise<void> {
    await database.transaction(async (tx) => {
      await database.dialect.lock(tx, `storage:${upload.ownerId}`);
      const { numDeletedRows } = await tx
        .deleteFrom('uploadParts')
        .where('id', '=', id)
        .where('leaseHolder', '=', holder)
        .executeTakeFirst();
      if (bytes === 0) return;
      if (numDeletedRows === 0n) throw busy();
      const end = start + bytes;
      const touching = await tx
        .deleteFrom('uploadParts')
        .where('uploadId', '=', upload.id)
        .where('leaseHolder', 'is', null)
        .where((row) => row.or([row('nextByte', '=', start), row('firstByte', '=', end)]))
        .returningAll()
        .execute();
      await tx
        .insertInto('uploadParts')
        .values({
          uploadId: upload.id,
          firstByte: Math.min(start, ...touching.map(({ firstByte }) => firstByte)),
          nextByte: Math.max(end, ...touching.map(({ nextByte }) => nextByte)),
          leaseHolder: null,
        })
        .execute();
      const { offset } = await tx
        .updateTable('uploads')
        .set({ updatedAt: now() })
        .where('id', '=', upload.id)
        .returning('offset')
        .executeTakeFirstOrThrow();
      await joinReceived(tx, { uploadId: upload.id, offset });
    });
  }

  function keeping({ id, holder }: Claim): Keeping {
    return {
      renew: () =>
        database.transaction(async (tx) => {
          const { numUpdatedRows } = await tx
            .updateTable('uploadParts')
            .set({ leaseUntil: now() + LEASE_MS })
            .where('id', '=', id)
            .where('leaseHolder', '=', holder)
            .executeTakeFirst();
          return numUpdatedRows > 0n;
        }),
      async isUndisturbed() {
        const row = await database.read
          .selectFrom('uploadParts')
          .select(['leaseHolder', 'leaseWanted'])
          .where('id', '=', id)
          .executeTakeFirst();
        return row?.leaseHolder === holder && row.leaseWanted === 0;
      },
    };
  }

  /** A part that comes again is the same part, or a mistake that the client has to hear of. */
  async function compare(own: Own, { offset, body }: { offset: number; body: Body & { announced: number } }) {
    const { draftKey } = await rows.find(own);
    using intake = openIntake(body, { writer: undefined, most: body.announced });
    const [sent, stored] = [createHash('sha256'), createHash('sha256')];
    for await (const piece of intake.take(body.announced)) sent.update(piece);
    if (intake.end !== 'whole') throw incomplete();
    intake.verify();
    const range = { start: offset, end: offset + body.announced - 1 };
    for await (const piece of storage.drafts.read(draftKey, range)) stored.update(piece as Buffer);
    if (!sent.digest().equals(stored.digest()))
      throw conflict('part_differs', 'Other bytes than these are there already.');
  }
}

function openIntake(
  { content, checksum }: Body,
  { writer, most }: { writer: Writer | undefined; most: number },
) {
  return createIntake({
    ...{ body: content, most, checksum },
    stop: writer?.ended ?? new AbortController().signal,
    ...(writer && { confirm: () => writer.confirm() }),
  });
}

const incomplete = () => unavailable('body_incomplete', 'The request broke off.', { retryAfter: 1 });
