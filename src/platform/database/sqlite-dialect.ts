import { type RawBuilder, sql, type SqlBool } from 'kysely';
import type { Dialect } from './dialect.ts';
import { describeTables, hasTable, lastIdOf } from './sqlite-catalog.ts';

export const sqliteDialect: Dialect = {
  isUniqueViolation(error, column) {
    if (!(error instanceof Error) || !('code' in error)) return false;
    if (error.code !== 'SQLITE_CONSTRAINT_UNIQUE' && error.code !== 'SQLITE_CONSTRAINT_PRIMARYKEY')
      return false;
    return column === undefined || error.message.includes(column);
  },
  anyOf,
  isOneOf: (column, list) => sql<SqlBool>`${sql.ref(column)} in ${anyOf(list)}`,
  // One transaction writes at a time anyway.
  lock: async () => false,
  takeTime: async () => undefined,
  skipLocked: (query) => query,
  async reserveIds(tx, table, upTo) {
    // A table of SQLite's own without a unique index: one row for each table that ever had one.
    await sql`insert into sqlite_sequence (name, seq)
      select ${table}, 0 where not exists (select 1 from sqlite_sequence where name = ${table})`.execute(tx);
    await sql`update sqlite_sequence set seq = max(seq, ${upTo}) where name = ${table}`.execute(tx);
  },
  catalog: {
    ...{ describeTables, hasTable, lastIdOf },
    elementsOf: (json) => sql`json_each(${json})`,
    canHold: () => true,
  },
  search: {
    async index(tx, id, terms) {
      await sql`delete from post_terms where rowid = ${id}`.execute(tx);
      await sql`insert into post_terms (rowid, terms) values (${id}, ${terms.join(' ')})`.execute(tx);
    },
    async remove(tx, ids) {
      if (ids.length > 0) await sql`delete from post_terms where rowid in (${sql.join(ids)})`.execute(tx);
    },
    matches(prefixes, most) {
      const found = prefixes.map((prefix) => {
        const query = `"${prefix.replaceAll('"', '""')}"*`;
        return sql`select id from (select rowid as id from post_terms where post_terms match ${query} order by rowid desc limit ${most})`;
      });
      return sql`(select id, count(*) as matched from (${sql.join(found, sql` union all `)}) group by id)`;
    },
  },
  schema: {
    id: 'integer primary key autoincrement',
    integer: 'integer',
    table: ' strict',
    ordered: ' strict, without rowid',
    uniqueText: ({ name, table, columns }) =>
      `create unique index ${name} on ${table} (${columns.join(', ')})`,
    search: [
      `create virtual table post_terms using fts5 (terms, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 0 tokenchars '%_'")`,
    ],
    searchByPrefix: [
      'drop table post_terms',
      `create virtual table post_terms using fts5 (terms, content = '', contentless_delete = 1, prefix = '1 2 3', tokenize = "unicode61 remove_diacritics 0 tokenchars '%_'")`,
    ],
  },
};

/** A prepared statement's list is a placeholder, which is bound later. */
function anyOf(list: readonly number[]): RawBuilder<number> {
  return sql<number>`(select value from json_each(${Array.isArray(list) ? JSON.stringify(list) : list}))`;
}
