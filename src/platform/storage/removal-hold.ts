// While a backup runs, files that lose their last row stay: the copied database may still name them. The hold is a job
// that the backup keeps under a lease and no worker runs, so it is seen by every process of the site, two backups cannot
// run at once, and it ends with the process that holds it.
//
// Why this is enough: whoever removes files looks here after it is certain that no row names them, and the backup copies
// the database after its hold is committed. What was let through before is then named by no row of the copy either.
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../database/database.ts';
import { conflict } from '../errors.ts';
import { isGone, newLeaseHolder } from '../jobs/holder.ts';

export interface RemovalHold {
  /** Resolves when no backup runs; ask after the decision to remove, and before removing. Rejects when `signal` aborts. */
  lifted(signal: AbortSignal): Promise<void>;
}

export interface HeldRemovals extends AsyncDisposable {
  /** Throws when the hold has lapsed at any time since it was taken. */
  confirm(): Promise<void>;
}

interface HoldTimes {
  holdMs: number;
  /** Between two looks of those who wait, and three times that between two prolongations. */
  pollMs: number;
}

/** The job's kind, and its unique key. */
export const HOLD_KIND = 'backup';
const TIMES: HoldTimes = { holdMs: 60_000, pollMs: 1_000 };

export function createRemovalHold(database: Database, { pollMs }: HoldTimes = TIMES): RemovalHold {
  return {
    async lifted(signal) {
      while (await isHeld(database)) await delay(pollMs, undefined, { signal });
    },
  };
}

/** Holds all removals until it is disposed of. Throws `conflict` (`backup_running`) when another backup does. */
export async function holdRemovals(
  database: Database,
  { holdMs, pollMs }: HoldTimes = TIMES,
): Promise<HeldRemovals> {
  const holder = newLeaseHolder();
  await database.transaction(async (tx) => {
    await database.dialect.lock(tx, 'backup');
    const at = Date.now();
    const other = await tx.selectFrom('jobs').selectAll().where('kind', '=', HOLD_KIND).executeTakeFirst();
    if (other && isLive(other, at)) throw conflict('backup_running', 'Another backup is running.');
    await tx.deleteFrom('jobs').where('kind', '=', HOLD_KIND).execute();
    const row = { kind: HOLD_KIND, uniqueKey: HOLD_KIND, payload: '{}', maxAttempts: 1 };
    await tx
      .insertInto('jobs')
      .values({ ...row, leaseHolder: holder, leaseUntil: at + holdMs, runAt: at, createdAt: at })
      .execute();
  });

  /** Only a hold that has not run out may go on: in a gap somebody may have removed files. */
  async function prolong(): Promise<void> {
    const { numUpdatedRows } = await database.transaction(async (tx) =>
      tx
        .updateTable('jobs')
        .set({ leaseUntil: Date.now() + holdMs })
        .where('kind', '=', HOLD_KIND)
        .where('leaseHolder', '=', holder)
        .where('leaseUntil', '>', Date.now())
        .executeTakeFirst(),
    );
    if (numUpdatedRows === 0n)
      throw conflict('backup_interrupted', 'The backup stood still for too long; please try again.');
  }

  // A prolongation that fails is found out by `confirm`.
  const beat = setInterval(() => void prolong().catch(() => undefined), 3 * pollMs);
  return {
    confirm: prolong,
    async [Symbol.asyncDispose]() {
      clearInterval(beat);
      await database.transaction(async (tx) =>
        tx.deleteFrom('jobs').where('kind', '=', HOLD_KIND).where('leaseHolder', '=', holder).execute(),
      );
    },
  };
}

async function isHeld({ read }: Database): Promise<boolean> {
  const job = await read.selectFrom('jobs').selectAll().where('kind', '=', HOLD_KIND).executeTakeFirst();
  return job !== undefined && isLive(job, Date.now());
}

const isLive = (job: { leaseHolder: string | null; leaseUntil: number }, at: number): boolean =>
  job.leaseHolder !== null && job.leaseUntil > at && !isGone(job.leaseHolder);
