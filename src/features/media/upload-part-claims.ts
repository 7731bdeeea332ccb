// Claims on parts of an upload: a row for each part that is being written. Claims and received ranges never overlap, so
// that writers of one upload do not meet.
import type { Database, Transaction } from '../../platform/database/database.ts';
import { conflict, tooLarge } from '../../platform/errors.ts';
import { newLeaseHolder } from '../../platform/jobs/holder.ts';
import type { Upload, UploadLeases } from './upload-leases.ts';
import type { ByteRange } from './upload-ranges.ts';
import type { Own, UploadResources } from './upload-resources.ts';
import { joinReceived } from './upload-rows.ts';
import { busy, isWrittenTo, LEASE_MS } from './upload-writers.ts';

/** Ranges of one upload that lie apart. */
const MAX_PARTS = 1_000;

export interface PartClaim {
  id: number;
  holder: string;
  upload: Upload;
  start: number;
  end: number;
}

export interface PartClaims {
  /** Undefined while somebody else writes there, who is asked to stop. */
  tryToClaim(own: Own, place: ByteRange): Promise<PartClaim | 'stored' | undefined>;
  /** Makes the claim a received range of so many bytes, and one with those it touches. */
  settle(claim: PartClaim, bytes: number): Promise<void>;
}

export interface PartClaimsOptions {
  database: Database;
  resources: UploadResources;
  leases: UploadLeases;
  now: () => number;
}

export function createPartClaims({ database, resources, leases, now }: PartClaimsOptions): PartClaims {
  return { tryToClaim, settle };

  async function tryToClaim(
    own: Own,
    place: { start: number; end: number },
  ): Promise<PartClaim | 'stored' | undefined> {
    const tried = await database.transaction(async (tx) => {
      const upload = await resources.lockOpen(tx, own);
      const { start, end } = place;
      if (upload.length === null)
        throw conflict('length_unknown', 'Parts are for uploads whose length is known.');
      if (end > upload.length)
        throw tooLarge('body_too_large', 'The request brings more bytes than the upload may have.');
      if (end <= upload.offset) return 'stored';
      const inTheWay = await findInTheWay(tx, upload, { ...place, at: now() });
      if (inTheWay.others.length > 0) return inTheWay.others;
      if (inTheWay.isThere) return 'stored';
      if (inTheWay.overlaps || start < upload.offset)
        throw conflict('part_overlaps', 'Some of these bytes are there already, and some are not.', {
          offset: upload.offset,
        });
      return claim(tx, upload, { ...place, at: now() });
    });
    if (!Array.isArray(tried)) return tried;
    await leases.stop(tried);
    return undefined;
  }

  async function settle({ id, holder, upload, start }: PartClaim, bytes: number): Promise<void> {
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
}

async function findInTheWay(tx: Transaction, upload: Upload, { start, end, at }: ByteRange & { at: number }) {
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
  { start, end, at }: ByteRange & { at: number },
): Promise<PartClaim> {
  const { count } = await tx
    .selectFrom('uploadParts')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('uploadId', '=', upload.id)
    .executeTakeFirstOrThrow();
  if (count >= MAX_PARTS)
    throw conflict('too_many_parts', 'Too many parts lie apart. Fill the gaps between them first.');
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
