// The row that a lease on an upload is: taken, kept and given back, each in one transaction.
import type { Selectable } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { UploadsTable } from '../../platform/database/tables.ts';
import { busy, isWrittenTo, type Keeping, LEASE_MS, type LeasedRow } from './upload-writers.ts';

export type Upload = Selectable<UploadsTable>;

/** What a finished write changes on the row. */
export type Progress = Partial<Pick<UploadsTable, 'lastChunkHash' | 'lastConnection'>> & {
  offset?: number;
  lastChunkSize?: number;
};

export interface Recorded {
  progress?: Progress;
  /** Other rows, in the same transaction; when it throws, nothing is recorded. */
  within?: ((tx: Transaction) => Promise<void>) | undefined;
}

/** Somebody who writes to an upload or to a part of it. */
export interface Other {
  table: 'uploads' | 'uploadParts';
  leaseHolder: string;
}

export interface LeaseOptions {
  database: Database;
  now: () => number;
}

interface Held {
  id: number;
  holder: string;
}

/** The upload, once it is `holder`'s; otherwise who writes to it. */
export async function acquire(
  { database, now }: LeaseOptions,
  { find, holder }: { find: (tx: Transaction) => Promise<Upload>; holder: string },
): Promise<{ upload?: Upload | undefined; others: Other[] }> {
  return database.transaction(async (tx) => {
    const found = await find(tx);
    const at = now();
    const parts = await tx
      .selectFrom('uploadParts')
      .select(['leaseHolder', 'leaseUntil'])
      .where('uploadId', '=', found.id)
      .where('leaseHolder', 'is not', null)
      .execute();
    const others = [
      ...holders('uploads', isWrittenTo(found, at) ? [found] : []),
      ...holders(
        'uploadParts',
        parts.filter((part) => isWrittenTo(part, at)),
      ),
    ];
    if (others.length > 0) return { others };
    // Those that are gone left nothing that counts.
    if (parts.length > 0)
      await tx
        .deleteFrom('uploadParts')
        .where('uploadId', '=', found.id)
        .where('leaseHolder', 'is not', null)
        .execute();
    // Nobody else has taken it meanwhile; what they did before is in the row that is answered.
    const upload = await tx
      .updateTable('uploads')
      .set((row) => ({
        leaseHolder: holder,
        leaseUntil: at + LEASE_MS,
        leaseWanted: 0,
        // Added to what is there now: two leases never have one number.
        leaseNumber: row('leaseNumber', '+', 1),
      }))
      .where('id', '=', found.id)
      .where('leaseHolder', 'is not distinct from', found.leaseHolder)
      .where('leaseUntil', '=', found.leaseUntil)
      .returningAll()
      .executeTakeFirst();
    return { upload, others };
  });
}

/** How a lease on an upload, or on a part of one, is kept. */
export function keeping(
  { database, now }: LeaseOptions,
  { table, id, holder }: Held & Pick<Other, 'table'>,
): Keeping {
  return {
    renew: () =>
      database.transaction(async (tx) => {
        const { numUpdatedRows } = await tx
          .updateTable(table)
          .set({ leaseUntil: now() + LEASE_MS })
          .where('id', '=', id)
          .where('leaseHolder', '=', holder)
          .executeTakeFirst();
        return numUpdatedRows > 0n;
      }),
    async isUndisturbed() {
      const row = await database.read
        .selectFrom(table)
        .select(['leaseHolder', 'leaseWanted'])
        .where('id', '=', id)
        .executeTakeFirst();
      return row?.leaseHolder === holder && row.leaseWanted === 0;
    },
  };
}

/** Records progress, and gives the lease back unless the writer goes on. */
export async function settle(
  { database, now }: LeaseOptions,
  { id, holder, goesOn, recorded: { progress = {}, within } }: Held & { recorded: Recorded; goesOn: boolean },
): Promise<void> {
  await database.transaction(async (tx) => {
    const at = now();
    const { numUpdatedRows } = await tx
      .updateTable('uploads')
      .set({
        ...progress,
        ...(goesOn ? { leaseUntil: at + LEASE_MS } : { leaseHolder: null, leaseUntil: 0 }),
        updatedAt: at,
      })
      .where('id', '=', id)
      .where('leaseHolder', '=', holder)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw busy();
    await within?.(tx);
  });
}

export function holders(table: Other['table'], rows: readonly LeasedRow[]): Other[] {
  return rows.flatMap(({ leaseHolder }) => (leaseHolder === null ? [] : [{ table, leaseHolder }]));
}
