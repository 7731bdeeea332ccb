// Reads a PostgreSQL database of another program: one connection, in one transaction that can only read and sees
// everything as it was when it began.
import pg from 'pg';
import { invalid } from '../errors.ts';
import {
  type ForeignDatabase,
  type ForeignRow,
  quoteName,
  type Selection,
  walkById,
} from './foreign-database.ts';

/** A lasting connection may wait for an hour while files are worked on between two reads. */
const SESSION = [
  'set idle_in_transaction_session_timeout = 0',
  `set time zone 'UTC'`,
  `set datestyle = 'ISO'`,
  'begin transaction isolation level repeatable read read only',
];

export async function openForeignPostgres(url: string): Promise<ForeignDatabase> {
  const client = await connect(url);
  // Without a listener an ended connection would end the process; the next query tells of it.
  client.on('error', () => undefined);
  const all = async (sql: string, values: unknown[] = []): Promise<ForeignRow[]> =>
    (await client.query<ForeignRow>(sql, values)).rows;
  const one = async (sql: string, values: unknown[] = []): Promise<unknown> =>
    Object.values((await all(sql, values))[0] ?? {})[0];

  for (const statement of SESSION) await client.query(statement);
  const version = String(await one('show server_version')).split(' ')[0];
  return {
    description: `PostgreSQL ${version} (database ${client.database} on ${client.host})`,
    async listTables() {
      const rows = await all(
        `select tablename from pg_tables where schemaname = any (current_schemas(false)) order by tablename`,
      );
      return rows.map((row) => String(row['tablename']));
    },
    async findHighestId(table) {
      const given = await one(
        `select last_value from pg_sequences
          where format('%I.%I', schemaname, sequencename) = pg_get_serial_sequence($1, 'id')`,
        [quoteName(table)],
      );
      return Math.max(
        Number(given ?? 0),
        Number((await one(`select max(id) from ${quoteName(table)}`)) ?? 0),
      );
    },
    count: async (table) => Number(await one(`select count(*) from ${quoteName(table)}`)),
    readBatches(selection, size) {
      const next = `${select(selection)} where id > $1 and id <= ${Number.MAX_SAFE_INTEGER} order by id limit $2`;
      return walkById((after) => all(next, [after, size]), size);
    },
    find: (selection, { column, values }) =>
      all(`${select(selection)} where ${quoteName(column)} = any ($1::bigint[]) order by id`, [values]),
    async [Symbol.asyncDispose]() {
      await client.end().catch(() => undefined);
    },
  };
}

async function connect(url: string): Promise<pg.Client> {
  const options = { connectionTimeoutMillis: 10_000, keepAlive: true, application_name: 'veranda import' };
  try {
    const client = new pg.Client({ ...options, connectionString: url, types: { getTypeParser } });
    await client.connect();
    return client;
  } catch (error) {
    // The driver's messages name host, user or database, never the password.
    const reason = error instanceof AggregateError ? error.errors.map(String).join('; ') : String(error);
    throw invalid('foreign_database_unreadable', `The PostgreSQL database cannot be read: ${reason}`);
  }
}

const BOOLEAN = 16;
const INTEGERS = new Set([20, 21, 23]);

/** Whole numbers and booleans as such, everything else as the text that the server sends. */
function getTypeParser(oid: number): (text: string) => unknown {
  if (oid === BOOLEAN) return (text) => text === 't';
  if (INTEGERS.has(oid)) return Number;
  return (text) => text;
}

const select = ({ table, columns }: Selection): string =>
  `select ${columns.map(quoteName).join(', ')} from ${quoteName(table)}`;
