// Brings the schema up to this program's. All in one write transaction, so of two nodes that start at once
// one does the work and the other waits and finds nothing to do. A program never runs on a newer schema than it knows.
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { conflict, DomainError, unavailable } from '../errors.ts';
import type { Database, Reader, Transaction } from './database.ts';
import type { Dialect } from './dialect.ts';
import { migrations } from './migrations/all.ts';
import { openDatabase } from './open.ts';
import { type DatabaseSettings, PATIENCE_MS, withPatience } from './settings.ts';

/** How often it is tried, and the pause before the next time: requests that have queued up go first. */
const TRIES = 10;
const PAUSE_MS = 1_000;
/** Requests for a table that a migration waits for queue behind it, and give up after 5 s. */
const TABLE_WAIT_MS = 2_000;

/**
 * Migrates the database of a site on connections of its own, as the limits of requests are too narrow for large tables. Throws
 * `unavailable` (`tables_in_use`) when a table cannot be had.
 */
export async function bringUp(settings: DatabaseSettings, now: () => number): Promise<number[]> {
  await using database = await openDatabase(withPatience(settings), (error) => {
    throw error;
  });
  for (let tries = 1; ; tries += 1) {
    try {
      return await migrate(database, now);
    } catch (error) {
      if (!(error instanceof DomainError && error.code === 'database_busy') || hasRunOut(error)) throw error;
      if (tries >= TRIES) throw inUse(error);
      await delay(PAUSE_MS);
    }
  }
}

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
  await dialect.takeTime(tx, { lockWaitMs: PATIENCE_MS });
  await dialect.lock(tx, 'migrations');
  await dialect.takeTime(tx, { lockWaitMs: TABLE_WAIT_MS });
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

/** Of its hour (query_canceled): another time it would take as long. */
const hasRunOut = ({ cause }: Error): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === '57014';

const inUse = (cause: unknown): Error =>
  Object.assign(
    unavailable(
      'tables_in_use',
      'The tables cannot be changed while something holds them, such as a backup or a long query. Try again after it.',
    ),
    { cause },
  );

function refuseNewer(newest: number): void {
  const known = newestSchema();
  if (newest > known) {
    throw new Error(
      `The database has schema ${newest}, this program knows ${known}: start a newer version of Veranda.`,
    );
  }
}
