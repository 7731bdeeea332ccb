// Tables of PostgreSQL that somebody holds, and who waits for them.
import { sql } from 'kysely';
import { expect } from 'vitest';
import type { Database } from '../../src/platform/database/database.ts';

/** Locks `table` until it is disposed of. */
export async function holdTable(
  db: Database,
  { table, mode }: { table: string; mode: 'access share' | 'access exclusive' },
): Promise<AsyncDisposable> {
  const held = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const over = db.transaction(async (tx) => {
    await sql.raw(`lock table ${table} in ${mode} mode`).execute(tx);
    held.resolve();
    await leave.promise;
  });
  await Promise.race([held.promise, over]);
  return {
    async [Symbol.asyncDispose]() {
      leave.resolve();
      await over;
    },
  };
}

/** The connection that waits for `table`, once there is one. */
export async function findWaiting(db: Database, table: string): Promise<number> {
  let pid = 0;
  await expect
    .poll(async () => (pid = (await listWaiting(db, table))[0] ?? 0), { timeout: 10_000 })
    .not.toBe(0);
  return pid;
}

export async function listWaiting(db: Database, table: string): Promise<number[]> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_locks where relation = ${table}::regclass and not granted`.execute(db.read);
  return rows.map(({ pid }) => pid);
}

/** How long a connection to this database has waited for a lock, in milliseconds. */
export async function longestWait(db: Database): Promise<number> {
  const { rows } = await sql<{ ms: number }>`
    select coalesce(max(extract(epoch from clock_timestamp() - waitstart) * 1000), 0)::float as ms
      from pg_locks join pg_database on pg_database.oid = database and datname = current_database()
      where not granted`.execute(db.read);
  return rows[0]?.ms ?? 0;
}
