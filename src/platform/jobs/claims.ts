// Taking, keeping and giving back a job. Every statement names the lease holder, so that a worker that comes
// back after its lease went to another changes nothing.
import { type Selectable, sql } from 'kysely';
import type { Database, Transaction } from '../database/database.ts';
import type { JobsTable } from '../database/tables.ts';
import { isGone } from './holder.ts';

export type ClaimedJob = Selectable<JobsTable>;

export const LEASE_MS = 30_000;

/** Takes the first job that may run, of one of `kinds`, under a lease of 30 s. */
export async function claim(
  database: Database,
  { holder, kinds, now }: { holder: string; kinds: readonly string[]; now: number },
): Promise<ClaimedJob | undefined> {
  if (kinds.length === 0) return undefined;
  return database.transaction(async (tx) =>
    tx
      .updateTable('jobs')
      .set({ leaseHolder: holder, leaseUntil: now + LEASE_MS, attempts: sql<number>`attempts + 1` })
      .where('id', '=', (query) =>
        database.dialect.skipLocked(
          query
            .selectFrom('jobs')
            .select('id')
            .where('deadAt', 'is', null)
            .where('runAt', '<=', now)
            .where('leaseUntil', '<=', now)
            .where('kind', 'in', kinds)
            .orderBy('priority', 'desc')
            .orderBy('runAt')
            .orderBy('id')
            .limit(1),
        ),
      )
      .returningAll()
      .executeTakeFirst(),
  );
}

/** One claim of one job. */
export interface Lease {
  id: number;
  holder: string;
}

/** Prolongs the lease; false when it is no longer ours. */
export async function heartbeat(database: Database, lease: Lease & { now: number }): Promise<boolean> {
  const { numUpdatedRows } = await database.transaction(async (tx) =>
    tx
      .updateTable('jobs')
      .set({ leaseUntil: lease.now + LEASE_MS })
      .where('id', '=', lease.id)
      .where('leaseHolder', '=', lease.holder)
      .executeTakeFirst(),
  );
  return numUpdatedRows > 0n;
}

/** Whether `holder` still has the job, and keeps it until the caller's transaction ends. */
export async function isHeld(tx: Transaction, { id, holder }: Lease): Promise<boolean> {
  // Writing the row keeps others from claiming it meanwhile, where a look at it would not.
  const { numUpdatedRows } = await tx
    .updateTable('jobs')
    .set({ leaseHolder: holder })
    .where('id', '=', id)
    .where('leaseHolder', '=', holder)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Frees at once what processes held that are certainly gone. */
export async function releaseAbandoned(database: Database): Promise<void> {
  const holders = await database.read
    .selectFrom('jobs')
    .select('leaseHolder')
    .distinct()
    .where('leaseHolder', 'is not', null)
    .execute();
  const gone = holders.flatMap((row) =>
    row.leaseHolder !== null && isGone(row.leaseHolder) ? [row.leaseHolder] : [],
  );
  if (gone.length === 0) return;
  await database.transaction(async (tx) =>
    tx
      .updateTable('jobs')
      .set({ leaseHolder: null, leaseUntil: 0 })
      .where('leaseHolder', 'in', gone)
      .execute(),
  );
}

export async function finish(database: Database, { id, holder }: Lease): Promise<void> {
  await database.transaction(async (tx) =>
    tx.deleteFrom('jobs').where('id', '=', id).where('leaseHolder', '=', holder).execute(),
  );
}

/** Gives a job back that was not at fault: it may run again at once and the try does not count. */
export async function release(database: Database, { id, holder }: Lease): Promise<void> {
  await database.transaction(async (tx) =>
    tx
      .updateTable('jobs')
      .set({ leaseHolder: null, leaseUntil: 0, attempts: sql<number>`attempts - 1` })
      .where('id', '=', id)
      .where('leaseHolder', '=', holder)
      .execute(),
  );
}

export interface Failure extends Lease {
  error: string;
  now: number;
}

/** Puts a failed job back for `runAt`, or makes it dead when `runAt` is undefined; false when it is no longer ours. */
export async function fail(
  tx: Transaction,
  { id, holder, error, now, runAt }: Failure & { runAt: number | undefined },
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('jobs')
    .set({
      leaseHolder: null,
      leaseUntil: 0,
      lastError: error.slice(0, 2_000),
      ...(runAt === undefined ? { deadAt: now } : { runAt }),
    })
    .where('id', '=', id)
    .where('leaseHolder', '=', holder)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** When the next job of `kinds` may run (epoch milliseconds): its time has come or its lease has run out. */
export async function nextDue(database: Database, kinds: readonly string[]): Promise<number | undefined> {
  if (kinds.length === 0) return undefined;
  const row = await database.read
    .selectFrom('jobs')
    .select(
      sql<number | null>`min(case when run_at > lease_until then run_at else lease_until end)`.as('due'),
    )
    .where('deadAt', 'is', null)
    .where('kind', 'in', kinds)
    .executeTakeFirst();
  return row?.due ?? undefined;
}
