// One writer at a time for an upload, on any node: a lease on its row. What a holder writes beyond the recorded
// offset counts for nothing until it is recorded, and that works only while the lease is still its own. Whoever comes
// while another one writes asks that one to stop, and waits until it has recorded what it has.
import type { Selectable } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { UploadsTable } from '../../platform/database/tables.ts';
import { newLeaseHolder } from '../../platform/jobs/holder.ts';
import {
  busy,
  isWrittenTo,
  LEASE_MS,
  type LeasedRow,
  patiently,
  type Writer,
  type Writers,
} from './upload-writers.ts';

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

export interface Work<T> extends Recorded {
  result: T;
}

export interface Lease extends Pick<Writer, 'ended' | 'confirm'> {
  /** Records progress and goes on. Throws `unavailable` (`upload_busy`) when the lease is lost. */
  record(recorded: Recorded): Promise<void>;
}

export interface UploadLeases {
  /**
   * Runs `work` with the upload that `find` gives, while nobody else writes to it, and records what `work` answers in one
   * transaction. Throws `unavailable` (`upload_busy`) when another writer keeps it for more than 3 s.
   */
  hold<T>(options: {
    find: (tx: Transaction) => Promise<Upload>;
    work: (upload: Upload, lease: Lease) => Promise<Work<T>>;
  }): Promise<T>;
  /** What `find` gives, once nobody writes to it. Throws `unavailable` (`upload_busy`) after 3 s. */
  whenUnused(find: () => Promise<Upload>, options?: { stopsWriter: boolean }): Promise<Upload>;
  /** Asks these to stop writing, wherever they are. */
  stop(others: readonly Other[]): Promise<void>;
}

/** Somebody who writes to an upload or to a part of it. */
export interface Other {
  table: 'uploads' | 'uploadParts';
  leaseHolder: string;
}

interface Options {
  database: Database;
  writers: Writers;
  now: () => number;
}

export function createUploadLeases({ database, writers, now }: Options): UploadLeases {
  const leases: UploadLeases = {
    async hold({ find, work }) {
      const holder = newLeaseHolder();
      const upload = await patiently(() => acquire(find, holder));
      const { id } = upload;
      using writer = writers.begin(holder, keeping({ id, holder }));
      const lease: Lease = {
        ended: writer.ended,
        confirm: () => writer.confirm(),
        record: (recorded) => settle({ id, holder, recorded, goesOn: true }),
      };
      try {
        const { result, ...recorded } = await work(upload, lease);
        await settle({ id, holder, recorded, goesOn: false });
        return result;
      } catch (error) {
        await settle({ id, holder, recorded: {}, goesOn: false }).catch(() => undefined);
        throw error;
      }
    },

    whenUnused: (find, { stopsWriter } = { stopsWriter: false }) =>
      patiently(async () => {
        const upload = await find();
        if (!isWrittenTo(upload, now())) return upload;
        if (stopsWriter) await leases.stop(holders('uploads', [upload]));
        return undefined;
      }),

    async stop(others) {
      for (const { table, leaseHolder } of others) {
        if (writers.stop(leaseHolder)) continue;
        await database.transaction((tx) =>
          tx
            .updateTable(table)
            .set({ leaseWanted: 1 })
            .where('leaseHolder', '=', leaseHolder)
            .where('leaseWanted', '=', 0)
            .execute(),
        );
      }
    },
  };
  return leases;

  /** Undefined while others write, who are asked to stop. */
  async function acquire(
    find: (tx: Transaction) => Promise<Upload>,
    holder: string,
  ): Promise<Upload | undefined> {
    const tried = await database.transaction(async (tx) => {
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
    await leases.stop(tried.others);
    return tried.upload;
  }

  function keeping({ id, holder }: { id: number; holder: string }) {
    return {
      renew: () =>
        database.transaction(async (tx) => {
          const { numUpdatedRows } = await tx
            .updateTable('uploads')
            .set({ leaseUntil: now() + LEASE_MS })
            .where('id', '=', id)
            .where('leaseHolder', '=', holder)
            .executeTakeFirst();
          return numUpdatedRows > 0n;
        }),
      async isUndisturbed() {
        const row = await database.read
          .selectFrom('uploads')
          .select(['leaseHolder', 'leaseWanted'])
          .where('id', '=', id)
          .executeTakeFirst();
        return row?.leaseHolder === holder && row.leaseWanted === 0;
      },
    };
  }

  async function settle(settled: {
    id: number;
    holder: string;
    recorded: Recorded;
    goesOn: boolean;
  }): Promise<void> {
    const { id, holder, goesOn } = settled;
    const { progress = {}, within } = settled.recorded;
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
}

function holders(table: Other['table'], rows: readonly LeasedRow[]): Other[] {
  return rows.flatMap(({ leaseHolder }) => (leaseHolder === null ? [] : [{ table, leaseHolder }]));
}
