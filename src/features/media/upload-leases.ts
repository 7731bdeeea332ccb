// One writer at a time for an upload, on any node: a lease on its row. What a holder writes beyond the recorded
// offset counts for nothing until `settle` records it, and `settle` works only while the lease is still its own.
import { setTimeout as delay } from 'node:timers/promises';
import type { Selectable } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { UploadsTable } from '../../platform/database/tables.ts';
import { unavailable } from '../../platform/errors.ts';
import { isGone, newLeaseHolder } from '../../platform/jobs/holder.ts';

export type Upload = Selectable<UploadsTable>;

/** What a finished write changes on the row. */
export type Progress = Partial<Pick<UploadsTable, 'lastChunkHash' | 'lastConnection'>> & {
  offset?: number;
  lastChunkSize?: number;
};

export interface Work<T> {
  progress?: Progress;
  within?: (tx: Transaction) => Promise<void>;
  result: T;
}

const LEASE_MS = 30_000;
const PATIENCE_MS = 3_000;

/**
 * Runs `work` with the upload that `find` gives, while nobody else writes to it, and records the progress that `work` answers,
 * in one transaction with what `within` does; when that throws, nothing is recorded.
 * Throws `unavailable` (`upload_busy`) when another writer keeps it for more than 3 s.
 */
export async function withLease<T>(
  database: Database,
  options: {
    find: (tx: Transaction) => Promise<Upload>;
    work: (upload: Upload) => Promise<Work<T>>;
    now: () => number;
  },
): Promise<T> {
  const { find, work, now } = options;
  const holder = newLeaseHolder();
  const upload = await acquire(database, { find, holder, now });
  const lease = { id: upload.id, holder };
  try {
    const { progress = {}, within, result } = await work(upload);
    await settle(database, { ...lease, progress, within, at: now() });
    return result;
  } catch (error) {
    await settle(database, { ...lease, progress: {}, within: undefined, at: now() }).catch(() => undefined);
    throw error;
  }
}

/** What `find` gives, once nobody writes to it. Throws `unavailable` (`upload_busy`) after 3 s. */
export async function whenUnused(find: () => Promise<Upload>, now: () => number): Promise<Upload> {
  return patiently(async () => {
    const upload = await find();
    return isWrittenTo(upload, now()) ? undefined : upload;
  });
}

/** Whether a writer that may still be alive has it. */
export const isWrittenTo = ({ leaseHolder, leaseUntil }: Upload, at: number): boolean =>
  leaseHolder !== null && leaseUntil > at && !isGone(leaseHolder);

async function acquire(
  database: Database,
  { find, holder, now }: { find: (tx: Transaction) => Promise<Upload>; holder: string; now: () => number },
): Promise<Upload> {
  return patiently(() =>
    database.transaction(async (tx) => {
      const found = await find(tx);
      if (isWrittenTo(found, now())) return undefined;
      // Nobody else has taken it meanwhile; what they did before is in the row that is answered.
      return tx
        .updateTable('uploads')
        .set((row) => ({
          leaseHolder: holder,
          leaseUntil: now() + LEASE_MS,
          // Added to what is there now: two leases never have one number.
          leaseNumber: row('leaseNumber', '+', 1),
        }))
        .where('id', '=', found.id)
        .where('leaseHolder', 'is not distinct from', found.leaseHolder)
        .where('leaseUntil', '=', found.leaseUntil)
        .returningAll()
        .executeTakeFirst();
    }),
  );
}

async function patiently(attempt: () => Promise<Upload | undefined>): Promise<Upload> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const upload = await attempt();
    if (upload) return upload;
    if (performance.now() > giveUpAt) throw busy();
    await delay(25);
  }
}

async function settle(
  database: Database,
  settled: {
    id: number;
    holder: string;
    progress: Progress;
    within: Work<unknown>['within'];
    at: number;
  },
): Promise<void> {
  const { id, holder, progress, within, at } = settled;
  await database.transaction(async (tx) => {
    const { numUpdatedRows } = await tx
      .updateTable('uploads')
      .set({ ...progress, leaseHolder: null, leaseUntil: 0, updatedAt: at })
      .where('id', '=', id)
      .where('leaseHolder', '=', holder)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) throw busy();
    await within?.(tx);
  });
}

const busy = () =>
  unavailable('upload_busy', 'Another request is writing to this upload. Please try again.', {
    retryAfter: 1,
  });
