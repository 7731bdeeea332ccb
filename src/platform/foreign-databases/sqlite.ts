// Reads an SQLite file of another program. The connection cannot write, and one transaction holds the file as it was:
// meanwhile a program that writes to it in rollback mode waits.
import Sqlite from 'better-sqlite3';
import { invalid } from '../errors.ts';
import {
  type ForeignDatabase,
  type ForeignRow,
  quoteName,
  type Selection,
  walkById,
} from './foreign-database.ts';

export function openForeignSqlite(path: string): ForeignDatabase {
  const { connection, version } = connect(path);
  const all = (sql: string, ...values: unknown[]): ForeignRow[] =>
    connection.prepare<unknown[], ForeignRow>(sql).all(...values);
  const one = (sql: string, ...values: unknown[]): number =>
    Number(
      connection
        .prepare(sql)
        .pluck()
        .get(...values) ?? 0,
    );
  const listTables = (): string[] =>
    all(`select name from sqlite_schema where type = 'table' order by name`).map((row) =>
      String(row['name']),
    );

  return {
    description: `SQLite ${version} (${path})`,
    listTables: async () => listTables(),
    async findHighestId(table) {
      const given = listTables().includes('sqlite_sequence')
        ? one('select max(seq) from sqlite_sequence where name = ?', table)
        : 0;
      return Math.max(given, one(`select max(id) from ${quoteName(table)}`));
    },
    count: async (table) => one(`select count(*) from ${quoteName(table)}`),
    readBatches(selection, size) {
      const next = `${select(selection)} where id > ? and id <= ${Number.MAX_SAFE_INTEGER} order by id limit ?`;
      return walkById(async (after) => all(next, after, size), size);
    },
    find: async (selection, { column, values }) =>
      all(
        `${select(selection)} where ${quoteName(column)} in (select value from json_each(?)) order by id`,
        JSON.stringify(values),
      ),
    async [Symbol.asyncDispose]() {
      connection.close();
    },
  };
}

function connect(path: string): { connection: Sqlite.Database; version: string } {
  let connection: Sqlite.Database | undefined;
  try {
    connection = new Sqlite(path, { readonly: true, fileMustExist: true, timeout: 5_000 });
    // Views and triggers of a file of strangers get no function that could do harm.
    connection.pragma('trusted_schema = off');
    connection.exec('begin');
    connection.prepare('select count(*) from sqlite_schema').get();
    return { connection, version: String(connection.prepare('select sqlite_version()').pluck().get()) };
  } catch (error) {
    connection?.close();
    const reason = error instanceof Error ? error.message : String(error);
    throw invalid('foreign_database_unreadable', `${path} cannot be read as an SQLite database: ${reason}.`);
  }
}

const select = ({ table, columns }: Selection): string =>
  `select ${columns.map(quoteName).join(', ')} from ${quoteName(table)}`;
