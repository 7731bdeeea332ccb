// All that a database of a site holds, read past the program, so that two can be compared whatever engine they are on.
import Sqlite from 'better-sqlite3';
import { lookAtPostgres } from '../support/engines.ts';

export interface Contents {
  /** The rows of each table as JSON with sorted columns, sorted. */
  tables: Record<string, string[]>;
  /** The highest id that each table ever gave, of those that gave one. */
  given: Record<string, number>;
}

type Ask = (sql: string) => Promise<Record<string, unknown>[]>;

/** `place`: a path of SQLite, or an address of PostgreSQL. */
export function contentsOf(place: string): Promise<Contents> {
  return place.startsWith('postgres:')
    ? lookAtPostgres(place, (ask) => read(ask, NAMES_OF_POSTGRES, givenByPostgres))
    : readSqlite(place);
}

async function readSqlite(path: string): Promise<Contents> {
  const database = new Sqlite(path, { readonly: true });
  const ask: Ask = async (sql) => database.prepare<unknown[], Record<string, unknown>>(sql).all();
  try {
    return await read(ask, NAMES_OF_SQLITE, givenBySqlite);
  } finally {
    database.close();
  }
}

const NAMES_OF_SQLITE = `select name from sqlite_schema where type = 'table' and name not like 'sqlite%'`;
const NAMES_OF_POSTGRES = `select tablename as name from pg_tables where schemaname = 'public'`;

async function read(
  ask: Ask,
  names: string,
  given: (ask: Ask) => Promise<Record<string, unknown>[]>,
): Promise<Contents> {
  const contents: Contents = { tables: {}, given: {} };
  for (const { name } of await ask(names)) {
    if (/^(post_terms|schema_migrations)/.test(String(name))) continue;
    const rows = await ask(`select * from ${String(name)}`);
    contents.tables[String(name)] = rows
      .map((row) => JSON.stringify(row, Object.keys(row).toSorted()))
      .toSorted();
  }
  for (const { name, last } of await given(ask))
    if (Number(last) > 0) contents.given[String(name)] = Number(last);
  return contents;
}

const givenBySqlite = (ask: Ask): Promise<Record<string, unknown>[]> =>
  ask('select name, seq as last from sqlite_sequence');

const givenByPostgres = async (ask: Ask): Promise<Record<string, unknown>[]> =>
  (await ask('select sequencename as name, last_value as last from pg_sequences')).map(({ name, last }) => ({
    name: String(name).replace(/_id_seq$/, ''),
    last,
  }));
