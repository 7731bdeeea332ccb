// Rows of any table on their way from one database to another: read in pages by primary key, so that memory stays flat
// and a copy can go on after any page, and written as they are or not at all.
import { type Kysely, sql } from 'kysely';
import type { TableShape } from '../database/catalog.ts';
import type { Reader, Transaction } from '../database/database.ts';
import type { Dialect } from '../database/dialect.ts';
import type { Tables } from '../database/tables.ts';
import { invalid } from '../errors.ts';

/** In the order of the table's columns. */
export type Row = readonly (number | string | null)[];

const ROWS = 1_000;
/** Of a page, about. */
const BYTES = 2 ** 22;

/** All rows after the one with the key `after`, by ascending key. Throws `invalid` (`row_unreadable`) for what no copy would show as it is. */
export async function* readPages(
  read: Reader,
  shape: TableShape,
  { after }: { after?: Row | undefined } = {},
): AsyncGenerator<Row[]> {
  let last = after;
  let size = 100;
  for (;;) {
    const rows = await readPage(read, shape, { after: last, size });
    if (rows.length > 0) yield rows;
    if (rows.length < size) return;
    last = keyOf(shape, rows.at(-1) ?? []);
    size = Math.max(1, Math.min(ROWS, Math.floor((BYTES * size) / Math.max(1, bytesOf(rows)))));
  }
}

export const keyOf = ({ columns, key }: TableShape, row: Row): Row =>
  key.map((name) => row[columns.findIndex((column) => column.name === name)] ?? null);

/** The row as somebody can find it, e.g. `media (id 12)`. */
const nameOf = (shape: TableShape, row: Row): string =>
  `${shape.name} (${keyOf(shape, row)
    .map((value, index) => `${shape.key[index]} ${JSON.stringify(value)}`)
    .join(', ')})`;

async function readPage(
  read: Reader,
  shape: TableShape,
  { after, size }: { after: Row | undefined; size: number },
): Promise<Row[]> {
  const key = sql.join(shape.key.map((name) => sql.ref(name)));
  const beyond = after ? sql`where (${key}) > (${sql.join(after)})` : sql``;
  const { rows } = await sql<Record<string, unknown>>`
    select ${sql.join(shape.columns.map(({ name }) => sql.ref(name)))} from ${sql.table(shape.name)}
    ${beyond} order by ${key} limit ${size}`.execute(plain(read));
  return rows.map((found) => toRow(shape, found));
}

function toRow(shape: TableShape, found: Record<string, unknown>): Row {
  const row = shape.columns.map(({ name }) => found[name] as number | string | null);
  const odd = shape.columns.find(({ type }, index) => !isPlain(row[index], type));
  if (odd)
    throw invalid(
      'row_unreadable',
      `${nameOf(shape, row)}: ${odd.name} holds a value that cannot be copied as it is: ${String(found[odd.name])}`,
    );
  return row;
}

/** Whole numbers beyond 2^53 come out of the drivers as other ones. */
const isPlain = (value: unknown, type: 'integer' | 'text'): boolean =>
  value === null || (type === 'integer' ? Number.isSafeInteger(value) : typeof value === 'string');

const bytesOf = (rows: readonly Row[]): number =>
  rows.reduce(
    (sum, row) => sum + row.reduce<number>((size, value) => size + sizeOf(value), 0),
    rows.length * 16,
  );

const sizeOf = (value: number | string | null): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : 8;

/** Writes the rows. Throws `invalid` (`text_not_storable`) for a text that the database cannot hold, naming its row. */
export async function insertRows(
  tx: Transaction,
  dialect: Dialect,
  { shape, rows }: { shape: TableShape; rows: readonly Row[] },
): Promise<void> {
  refuseUnholdable(dialect, { shape, rows });
  const columns = sql.join(shape.columns.map(({ name }) => sql.ref(name)));
  const values = sql.join(
    shape.columns.map(({ type }, index) => sql`cast(value ->> ${sql.lit(index)} as ${sql.raw(CASTS[type])})`),
  );
  // One argument however many rows, so a table needs one statement.
  await sql`insert into ${sql.table(shape.name)} (${columns})
    select ${values} from ${dialect.catalog.elementsOf(JSON.stringify(rows))}`.execute(plain(tx));
}

/** Names of types that both engines understand. */
const CASTS = { integer: 'bigint', text: 'text' };

function refuseUnholdable(
  { catalog }: Dialect,
  { shape, rows }: { shape: TableShape; rows: readonly Row[] },
): void {
  const faults = rows.flatMap((row) =>
    shape.columns
      .filter((_, index) => !canHold(catalog, row[index]))
      .map(({ name }) => `${nameOf(shape, row)}: ${name}`),
  );
  if (faults.length === 0) return;
  const shown = [...faults.slice(0, 20), ...(faults.length > 20 ? ['…'] : [])].join('\n');
  throw invalid(
    'text_not_storable',
    `These texts hold a NUL character, which PostgreSQL cannot store. Take it out where it is, then run this again.\n${shown}`,
  );
}

const canHold = (catalog: Dialect['catalog'], value: unknown): boolean =>
  typeof value !== 'string' || catalog.canHold(value);

/** Names as they are in SQL. */
const plain = (db: Reader | Transaction): Kysely<Tables> => db.withoutPlugins();
