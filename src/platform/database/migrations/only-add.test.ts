// Processes of the version before serve on while the first one of a new version migrates. So migrations add, and do nothing else to
// what is there: the schema before and after each of them is compared, on the engine that the run is about.
import { type ColumnMetadata, sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from '../../../../test/support/databases.ts';
import { onPostgres } from '../../../../test/support/engines.ts';
import type { Reader } from '../database.ts';
import { migrate } from '../migrate.ts';
import { migrations } from './all.ts';

interface Column {
  type: string;
  isNullable: boolean;
  /** Whether a row may be written without naming it. */
  isOptional: boolean;
}

interface Rule {
  name: string;
  /** With commas between them. */
  columns: string;
}

interface Table {
  columns: Map<string, Column>;
  /** What refuses rows: unique indexes and, on PostgreSQL, checks and references. */
  rules: readonly Rule[];
}

type Schema = Map<string, Table>;

let opened: TestDatabase;
beforeAll(async () => {
  opened = await openTestDatabase({ empty: true });
});
afterAll(() => opened[Symbol.asyncDispose]());

test('each migration leaves to the version before what that uses', async () => {
  let before: Schema = new Map();
  for (const [number, { removes = [] }] of migrations) {
    await migrate(opened.database, Date.now, { upTo: number });
    const after = await opened.database.snapshot(readSchema);
    const gone = removes.map((name) => `${name} is gone`);
    expect({ number, found: complaints(before, after).toSorted() }).toEqual({
      number,
      found: gone.toSorted(),
    });
    before = after;
  }
});

test.each([
  ['drops a column', 'alter table posts drop column version', 'posts.version is gone'],
  ['renames a column', 'alter table media rename column size to bytes', 'media.size is gone'],
  ['drops a table', 'drop table segments', 'segments is gone'],
  ['renames a table', 'alter table follows rename to followers', 'follows is gone'],
  [
    'gives a column another type',
    `alter table media drop column failure; alter table media add column failure ${onPostgres ? 'bigint' : 'integer'}`,
    'media.failure has another type',
  ],
  [
    'forbids null where it was allowed',
    `alter table media drop column failure; alter table media add column failure text not null default ''`,
    'media.failure cannot be null any more',
  ],
  ['makes rows unique', 'create unique index once on posts (author_id, text)', 'posts has a new rule, once'],
  ['makes what is new unique', 'alter table posts add column a text; create unique index b on posts (a)'],
  ['adds a table', 'create table moods (id integer primary key, name text not null unique)'],
  ['adds a column', `alter table posts add column mood text not null default 'calm'`],
  // SQLite does none of these itself.
  ...(onPostgres
    ? [
        [
          'demands a value',
          'alter table posts add column mood text not null',
          'posts.mood is demanded of every row',
        ],
        [
          'takes a default away',
          'alter table posts alter column version drop default',
          'posts.version has no default any more',
        ],
        [
          'checks rows',
          'alter table posts add constraint short check (length(text) < 9)',
          'posts has a new rule, short',
        ],
      ]
    : []),
] as [change: string, statements: string, ...expected: string[]][])(
  'of a change that %s is said what it breaks',
  async (_, statements, ...expected) => {
    await migrate(opened.database, Date.now);
    const changing = opened.database.transaction(async (tx) => {
      const before = await readSchema(tx);
      for (const statement of statements.split('; ')) await sql.raw(statement).execute(tx);
      throw new Changed(complaints(before, await readSchema(tx)));
    });
    await expect(changing).rejects.toMatchObject({ found: expected });
  },
);

/** Ends a transaction, so that the next change begins with the same schema. */
class Changed extends Error {
  readonly found: readonly string[];

  constructor(found: readonly string[]) {
    super('to be rolled back');
    this.found = found;
  }
}

function complaints(before: Schema, after: Schema): string[] {
  return [...before].flatMap(([table, was]) => {
    const is = after.get(table);
    if (!is) return [`${table} is gone`];
    return [...lostColumns(table, was, is), ...newDemands(table, was, is)];
  });
}

/** What the version before reads, and the values that it writes. */
function lostColumns(table: string, was: Table, is: Table): string[] {
  return [...was.columns].flatMap(([column, { type, isNullable, isOptional }]) => {
    const name = `${table}.${column}`;
    const now = is.columns.get(column);
    if (!now) return [`${name} is gone`];
    return [
      ...(now.type === type ? [] : [`${name} has another type`]),
      ...(isNullable && !now.isNullable ? [`${name} cannot be null any more`] : []),
      ...(isOptional && !now.isOptional ? [`${name} has no default any more`] : []),
    ];
  });
}

/** Rows that the version before writes and that are refused now. */
function newDemands(table: string, was: Table, is: Table): string[] {
  const added = [...is.columns].filter(([column]) => !was.columns.has(column));
  const known = new Set(was.rules.map(({ name }) => name));
  return [
    ...added
      .filter(([, { isOptional }]) => !isOptional)
      .map(([column]) => `${table}.${column} is demanded of every row`),
    ...is.rules
      .filter(
        ({ name, columns }) => !known.has(name) && columns.split(',').every((one) => was.columns.has(one)),
      )
      .map(({ name }) => `${table} has a new rule, ${name}`),
  ];
}

async function readSchema(db: Reader): Promise<Schema> {
  const tables = await db.introspection.getTables();
  const { rows } = await sql.raw<Rule & { table: string }>(RULES).execute(db);
  return new Map(
    tables.map(({ name: table, columns }) => [
      table,
      { columns: new Map(columns.map(readColumn)), rules: rows.filter((rule) => rule.table === table) },
    ]),
  );
}

function readColumn(column: ColumnMetadata): [name: string, Column] {
  const { name, dataType, isNullable } = column;
  const isOptional = isNullable || column.hasDefaultValue || column.isAutoIncrementing;
  return [name, { type: dataType.toLowerCase(), isNullable, isOptional }];
}

const RULES = onPostgres
  ? `select relname as "table", name, (select string_agg(attname, ',') from pg_attribute
        where attrelid = pg_class.oid and attnum = any (places)) as columns
      from pg_class join (
        select indrelid as of, indexrelid::regclass::text as name, indkey::int2[] as places from pg_index where indisunique
        union all
        select conrelid, conname, conkey from pg_constraint where contype in ('c', 'f')
      ) as rules on of = pg_class.oid
      where relnamespace = current_schema()::regnamespace`
  : `select found.name as "table", indexes.name, (select group_concat(name) from pragma_index_info(indexes.name)) as columns
      from sqlite_master as found, pragma_index_list(found.name) as indexes
      where found.type = 'table' and indexes."unique"`;
