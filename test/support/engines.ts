// Which database the run is about: SQLite, unless TEST_DATABASE=postgres. On PostgreSQL each data folder has a database of its own
// in the cluster that the run has started; its name follows from the folder's, so whoever knows the folder finds it.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';

export const onPostgres = process.env['TEST_DATABASE'] === 'postgres';

/** Has the newest schema and no row; see cluster.ts. */
export const MIGRATED = 'veranda_migrated';

/** Settings that give the site in `dataDir` a database; made when it is not there, empty or with the newest schema. */
export async function databaseSettings(
  dataDir: string,
  { migrated = false } = {},
): Promise<{ DATABASE_URL?: string }> {
  if (!onPostgres) return {};
  const name = databaseOf(dataDir);
  await connected(urlOf('postgres'), async (client) => {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0)
      await client.query(`create database ${name} template ${migrated ? MIGRATED : 'template1'}`);
  });
  return { DATABASE_URL: urlOf(name) };
}

export async function dropDatabase(dataDir: string): Promise<void> {
  if (!onPostgres) return;
  await closePool(urlOf(databaseOf(dataDir)));
  await connected(urlOf('postgres'), (client) =>
    client.query(`drop database if exists ${databaseOf(dataDir)} with (force)`),
  );
}

export type Asker = <Row>(sql: string, ...values: unknown[]) => Promise<Row[]>;

/** Looks at the site's database past the server, all of it at one moment. Statements have `?` for their values. */
export async function look<T>(dataDir: string, work: (ask: Asker) => Promise<T>): Promise<T> {
  return onPostgres ? lookAtPostgres(urlOf(databaseOf(dataDir)), work) : lookAtSqlite(dataDir, work);
}

/** Runs one statement there: the rows of a question, none of a change. */
export const ask = <Row>(dataDir: string, sql: string, ...values: unknown[]): Promise<Row[]> =>
  onPostgres
    ? connected(urlOf(databaseOf(dataDir)), (client) => askerOf(client)<Row>(sql, ...values))
    : lookAtSqlite(dataDir, (run) => run<Row>(sql, ...values));

async function lookAtSqlite<T>(dataDir: string, work: (ask: Asker) => Promise<T>): Promise<T> {
  const database = new Sqlite(join(dataDir, 'veranda.db'), { timeout: 5_000 });
  try {
    database.exec('begin');
    const result = await work(async <Row>(sql: string, ...values: unknown[]) => {
      const statement = database.prepare<unknown[], Row>(sql);
      if (statement.reader) return statement.all(...values);
      statement.run(...values);
      return [];
    });
    database.exec('commit');
    return result;
  } finally {
    database.close();
  }
}

/** The same, of the database at `url`. */
export function lookAtPostgres<T>(url: string, work: (ask: Asker) => Promise<T>): Promise<T> {
  return connected(url, async (client) => {
    await client.query('begin isolation level repeatable read');
    const result = await work(askerOf(client));
    await client.query('commit');
    return result;
  });
}

const askerOf =
  (client: pg.ClientBase): Asker =>
  async <Row>(sql: string, ...values: unknown[]) => {
    let place = 0;
    const text = sql.replaceAll('?', () => `$${(place += 1)}`);
    return (await client.query(text, values)).rows as Row[];
  };

/** Users get ids above `upTo` from now on. */
export async function reserveUserIds(dataDir: string, upTo: number): Promise<void> {
  if (onPostgres) await ask(dataDir, `select setval('users_id_seq', ?)`, upTo);
  else await ask(dataDir, `insert into sqlite_sequence (name, seq) values ('users', ?)`, upTo);
}

/** Where the site in `dataDir` has its database: a path of SQLite, or an address of PostgreSQL. */
export const placeOf = (dataDir: string): string =>
  onPostgres ? urlOf(databaseOf(dataDir)) : join(dataDir, 'veranda.db');

/** A backend of PostgreSQL takes longer to begin than most looks take; each place has one for a while after the last look. */
const pools = new Map<string, pg.Pool>();

async function connected<T>(url: string, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const pool = pools.get(url) ?? openPool(url);
  pools.set(url, pool);
  const client = await pool.connect();
  try {
    const result = await work(client);
    client.release();
    return result;
  } catch (error) {
    client.release(true);
    throw error;
  }
}

function openPool(url: string): pg.Pool {
  const types = {
    getTypeParser: (oid: number) =>
      ([pg.types.builtins.INT8, pg.types.builtins.NUMERIC].includes(oid)
        ? Number
        : pg.types.getTypeParser(oid)) as never,
  };
  const pool = new pg.Pool({ connectionString: url, types, max: 2, idleTimeoutMillis: 1_000 });
  // Some tests end the server under it; the next look opens another.
  pool.on('error', () => undefined);
  return pool;
}

async function closePool(url: string): Promise<void> {
  const pool = pools.get(url);
  pools.delete(url);
  await pool?.end();
}

/** The name of a site's database in the cluster. */
export const databaseOf = (dataDir: string): string =>
  `site_${createHash('sha256').update(dataDir).digest('hex').slice(0, 24)}`;

function urlOf(database: string): string {
  const url = new URL(process.env['TEST_POSTGRES_URL'] ?? '');
  url.pathname = `/${database}`;
  return url.href;
}
