// Fills an empty database with all rows of another one, of whatever engines:
//
//   tables as the source has them → pages of rows, each with the progress → every table compared → ids go on where they stood
//
// A fill that was cut off goes on after the last page. The full-text index is made afresh on the way.
import { sql } from 'kysely';
import type { TableShape } from '../database/catalog.ts';
import type { Database, Reader, Transaction } from '../database/database.ts';
import { migrateWithin, newestSchema, readSchema } from '../database/migrate.ts';
import { conflict } from '../errors.ts';
import { compare } from './digests.ts';
import { beginProgress, endProgress, findProgress, noteProgress, type Progress } from './progress.ts';
import { insertRows, keyOf, readPages, type Row } from './rows.ts';

/** The table that full-text search is over. */
export interface Indexed {
  table: string;
  /** The terms of a row, by its columns as SQL writes them; none for a row that is not searched. */
  termsOf(row: Readonly<Record<string, unknown>>): readonly string[] | undefined;
}

export interface Filling {
  source: Database;
  /** How the source is known when a fill goes on. */
  name: string;
  target: Database;
  indexed: Indexed;
  print: (line: string) => void;
}

/**
 * `compared`: with what the rows are compared in the end: `snapshot`, the moment that they were copied from; `source`, as it is then.
 * Throws `conflict` (`schema_newer`, `schema_differs`, `not_empty`, `other_copy`, `copy_differs`).
 */
export async function fill(filling: Filling, compared: 'snapshot' | 'source'): Promise<void> {
  const { source, target, print } = filling;
  const shapes = await source.snapshot(async (read) => {
    const found = await source.dialect.catalog.describeTables(read);
    const progress = await prepare(filling, found);
    for (const shape of found) await copyTable(filling, { read, shape, progress });
    if (compared === 'snapshot') await compare(read, target.read, { shapes: found, print });
    return found;
  });
  if (compared === 'source') await source.snapshot((read) => compare(read, target.read, { shapes, print }));
  await target.transaction(async (tx) => {
    for (const { name, givesIds } of shapes) {
      const last = givesIds ? await source.dialect.catalog.lastIdOf(source.read, name) : 0;
      if (last > 0) await target.dialect.reserveIds(tx, name, last);
    }
    await endProgress(tx);
  });
}

/** All in one transaction: a program that starts meanwhile finds the mark, or has made tables that are found here. */
async function prepare({ source, name, target }: Filling, shapes: readonly TableShape[]): Promise<Progress> {
  const schema = await readSchema(source.read);
  if (schema > newestSchema())
    throw conflict(
      'schema_newer',
      `The source has schema ${schema}, this program knows ${newestSchema()}: use a newer version of Veranda.`,
    );
  const { dialect } = target;
  return target.transaction(async (tx) => {
    await dialect.lock(tx, 'migrations');
    const known = await findProgress(tx, { dialect, source: name });
    if (!known) await migrateWithin(tx, dialect, { now: Date.now, upTo: schema });
    const found = await readSchema(tx);
    if (found !== schema)
      throw conflict(
        'schema_differs',
        `The target has schema ${found} and the source ${schema}: bring the source up to date (migrate), or give an empty target.`,
      );
    if (JSON.stringify(shapes) !== JSON.stringify(await dialect.catalog.describeTables(tx)))
      throw conflict('schema_differs', 'Source and target have other tables or columns.');
    if (known) return known;
    await refuseFull(tx, shapes);
    return beginProgress(tx, { source: name, shapes });
  });
}

async function refuseFull(read: Reader, shapes: readonly TableShape[]): Promise<void> {
  for (const shape of shapes)
    for await (const _ of readPages(read, shape))
      throw conflict('not_empty', `The target is not empty: ${shape.name} has rows. Give an empty database.`);
}

async function copyTable(
  { target, indexed, print }: Filling,
  { read, shape, progress }: { read: Reader; shape: TableShape; progress: Progress },
): Promise<void> {
  const { name } = shape;
  let from = progress.get(name);
  let count = 0;
  let saidAt = Date.now();
  for await (const rows of readPages(read, shape, { after: from })) {
    const to = keyOf(shape, rows.at(-1) ?? []);
    const step = { name, from, to };
    await target.transaction(async (tx) => {
      await insertRows(tx, target.dialect, { shape, rows });
      if (indexed.table === name) await indexRows(tx, { target, indexed, shape, rows });
      await noteProgress(tx, step);
    });
    from = to;
    count += rows.length;
    if (Date.now() - saidAt < 5_000) continue;
    saidAt = Date.now();
    print(`${name}: ${count.toLocaleString('en')} rows copied`);
  }
}

async function indexRows(
  tx: Transaction,
  {
    target,
    indexed,
    shape,
    rows,
  }: { target: Database; indexed: Indexed; shape: TableShape; rows: readonly Row[] },
): Promise<void> {
  for (const row of rows) {
    const named = Object.fromEntries(shape.columns.map(({ name }, index) => [name, row[index]]));
    const terms = indexed.termsOf(named);
    if (terms) await target.dialect.search.index(tx, Number(named['id']), terms);
  }
}

/** Leaves nothing of a site in the database. */
export async function dropAll(database: Database): Promise<void> {
  const shapes = await database.dialect.catalog.describeTables(database.read);
  const names = shapes.map(({ name }) => name).toReversed();
  await database.transaction(async (tx) => {
    for (const name of [...names, 'post_terms', 'schema_migrations', 'copy_progress'])
      await sql`drop table if exists ${sql.table(name)}`.execute(tx);
  });
}
