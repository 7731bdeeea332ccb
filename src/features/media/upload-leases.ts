// One writer at a time for an upload, on any node: a lease on its row. What a holder writes beyond the recorded
// offset counts for nothing until it is recorded, and that works only while the lease is still its own. Whoever comes
// while another one writes asks that one to stop, and waits until it has recorded what it has.
import type { Database, Transaction } from '../../platform/database/database.ts';
import { newLeaseHolder } from '../../platform/jobs/holder.ts';
import {
  acquire,
  holders,
  keeping,
  type Other,
  type Recorded,
  settle,
  type Upload,
} from './upload-lease-rows.ts';
import { isWrittenTo, patiently, type Writer, type Writers } from './upload-writers.ts';

export type { Upload } from './upload-lease-rows.ts';

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

interface Options {
  database: Database;
  writers: Writers;
  now: () => number;
}

export function createUploadLeases(options: Options): UploadLeases {
  const { database, writers, now } = options;
  const leases: UploadLeases = {
    async hold({ find, work }) {
      const holder = newLeaseHolder();
      const upload = await patiently(async () => {
        const tried = await acquire(options, { find, holder });
        await leases.stop(tried.others);
        return tried.upload;
      });
      const { id } = upload;
      using writer = writers.begin(holder, keeping(options, { table: 'uploads', id, holder }));
      const lease: Lease = {
        ended: writer.ended,
        confirm: () => writer.confirm(),
        record: (recorded) => settle(options, { id, holder, recorded, goesOn: true }),
      };
      try {
        const { result, ...recorded } = await work(upload, lease);
        await settle(options, { id, holder, recorded, goesOn: false });
        return result;
      } catch (error) {
        await settle(options, { id, holder, recorded: {}, goesOn: false }).catch(() => undefined);
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
}
