// How far a copy has come, kept in its target and written with the rows. While this table is there, no program starts on the database
// (`migrate` refuses): it is the mark of a site that is not whole.
import { sql } from 'kysely';
import type { TableShape } from '../database/catalog.ts';
import type { Reader, Transaction } from '../database/database.ts';
import type { Dialect } from '../database/dialect.ts';
import { conflict } from '../errors.ts';
import type { Row } from './rows.ts';

interface ProgressRow {
  name: string;
  source: string;
  lastKey: string | null;
}

/** A target, and how its source is known there. */
interface Place {
  dialect: Dialect;
  source: string;
}

/** The key of the last row of each table that arrived. */
export type Progress = Map<string, Row | undefined>;

/** Undefined when no copy is under way. Throws `conflict` (`other_copy`) when it is one of another source. */
export async function findProgress(read: Reader, { dialect, source }: Place): Promise<Progress | undefined> {
  const rows = await readRows(read, dialect);
  if (rows.length === 0) return undefined;
  const other = rows.find((row) => row.source !== source);
  if (other)
    throw conflict(
      'other_copy',
      `The target holds an unfinished copy of ${other.source}. Go on with that, or empty the target.`,
    );
  return new Map(
    rows.map(({ name, lastKey }) => [name, lastKey === null ? undefined : (JSON.parse(lastKey) as Row)]),
  );
}

/** Whether a copy of `source` is under way there. */
export async function isCopyOf(read: Reader, { dialect, source }: Place): Promise<boolean> {
  const rows = await readRows(read, dialect);
  return rows.some((row) => row.source === source);
}

async function readRows(read: Reader, { catalog }: Dialect): Promise<ProgressRow[]> {
  if (!(await catalog.hasTable(read, 'copy_progress'))) return [];
  return (await sql<ProgressRow>`select name, source, last_key from copy_progress`.execute(read)).rows;
}

/** In the transaction that made sure, under the lock `migrations`, that no site is there. */
export async function beginProgress(
  tx: Transaction,
  { source, shapes }: { source: string; shapes: readonly TableShape[] },
): Promise<Progress> {
  await sql`create table copy_progress (name text primary key, source text not null, last_key text)`.execute(
    tx,
  );
  for (const { name } of shapes)
    await sql`insert into copy_progress (name, source) values (${name}, ${source})`.execute(tx);
  return new Map(shapes.map(({ name }) => [name, undefined]));
}

/** In the transaction of the rows. Throws `conflict` (`copy_running`) when somebody else has come further meanwhile. */
export async function noteProgress(
  tx: Transaction,
  { name, from, to }: { name: string; from: Row | undefined; to: Row },
): Promise<void> {
  const before = from === undefined ? null : JSON.stringify(from);
  const { numAffectedRows } = await sql`update copy_progress set last_key = ${JSON.stringify(to)}
    where name = ${name} and coalesce(last_key, '') = coalesce(cast(${before} as text), '')`.execute(tx);
  if (numAffectedRows !== 1n)
    throw conflict('copy_running', 'Another copy into the same target is under way.');
}

export async function endProgress(tx: Transaction): Promise<void> {
  await sql`drop table copy_progress`.execute(tx);
}
