// Brings the schema up to this program's. All in one write transaction, so of two nodes that start at once
// one does the work and the other waits and finds nothing to do. A program never runs on a newer schema than it knows.
import { type Kysely, sql } from 'kysely';
import { conflict } from '../errors.ts';
import type { Database, Reader, Transaction } from './database.ts';
import type { Dialect } from './dialect.ts';
import { migrations } from './migrations/all.ts';

/**
 * Applies what is missing, as far as `upTo`, and returns the numbers applied. Throws when the database is newer than this
 * program, and `conflict` (`copy_unfinished`) for one that a copy is under way to.
 */
export async function migrate(
  database: Database,
  now: () => number,
  { upTo = Infinity } = {},
): Promise<number[]> {
  return database.transaction((tx) => migrateWithin(tx, database.dialect, { now, upTo }));
}

/** The same in a transaction of the caller's. */
export async function migrateWithin(
  tx: Transaction,
  dialect: Dialect,
  { now, upTo }: { now: () => number; upTo: number },
): Promise<number[]> {
  await dialect.lock(tx, 'migrations');
  if (await dialect.catalog.hasTable(tx, 'copy_progress'))
    throw conflict(
      'copy_unfinished',
      'The database is a copy that is not finished. Let copy-database or restore come to its end, or empty the database.',
    );
  const db = tx as unknown as Kysely<{ schemaMigrations: { number: number; appliedAt: number } }>;
  await sql`create table if not exists schema_migrations (number integer primary key, applied_at bigint not null)`.execute(
    db,
  );
  const applied = new Set(
    (await db.selectFrom('schemaMigrations').select('number').execute()).map((row) => row.number),
  );
  refuseNewer(Math.max(0, ...applied));
  const missing = migrations.filter(([number]) => !applied.has(number) && number <= upTo);
  for (const [number, migration] of missing) {
    await migration.up(tx as unknown as Kysely<unknown>, dialect.schema);
    await db.insertInto('schemaMigrations').values({ number, appliedAt: now() }).execute();
  }
  return missing.map(([number]) => number);
}

/** The newest migration that this program knows. */
export const newestSchema = (): number => Math.max(...migrations.map(([number]) => number));

/** The newest migration that was applied. */
export async function readSchema(read: Reader): Promise<number> {
  const db = read as unknown as Kysely<{ schemaMigrations: { number: number } }>;
  const rows = await db.selectFrom('schemaMigrations').select('number').execute();
  return Math.max(0, ...rows.map(({ number }) => number));
}

function refuseNewer(newest: number): void {
  const known = newestSchema();
  if (newest > known) {
    throw new Error(
      `The database has schema ${newest}, this program knows ${known}: start a newer version of Veranda.`,
    );
  }
}
