// SQLite: one writer connection behind Kysely's mutex, one read-only connection beside it (WAL: readers see the last
// commit and wait for nobody). `synchronous=FULL`: a commit that was acknowledged survives a power loss.
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {
  CamelCasePlugin,
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely';
import { unavailable } from '../errors.ts';
import { type Database, type Reader, runTransaction } from './database.ts';
import { compilePrepared, type Prepare } from './prepared.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import type { Tables } from './tables.ts';

const BUSY_LIMIT_MS = 5_000;

export function openSqlite(options: { path: string; onError: (error: unknown) => void }): Database {
  const writer = connect(options.path, { readonly: false });
  const reader = connect(options.path, { readonly: true });
  const write = new Kysely<Tables>({
    dialect: new WriterDialect({ database: cached(writer) }),
    plugins: [new CamelCasePlugin()],
  });
  const read = new Kysely<Tables>({
    dialect: new SqliteDialect({ database: cached(reader) }),
    plugins: [new CamelCasePlugin()],
  });
  const { version } = reader.prepare('select sqlite_version() as version').get() as { version: string };
  return {
    read,
    prepare: prepareOn(reader, read),
    dialect: sqliteDialect,
    description: `SQLite ${version}`,
    transaction: (work) => runTransaction(write, work, options.onError),
    async backup(path) {
      await reader.backup(path);
    },
    async [Symbol.asyncDispose]() {
      await read.destroy();
      await write.destroy();
    },
  };
}

/** Straight to the driver: rows are made of bare values under names that are converted once. */
function prepareOn(connection: Sqlite.Database, read: Reader): Prepare {
  return (build) => {
    let ready: ReturnType<typeof compile> | undefined;
    function compile() {
      const compiled = compilePrepared(read, build);
      const statement = connection.prepare<unknown[], unknown[]>(compiled.sql).raw(true);
      return {
        statement,
        bind: compiled.bind,
        names: statement.columns().map(({ name }) => toCamelCase(name)),
      };
    }
    return async (args) => {
      const { statement, bind, names } = (ready ??= compile());
      return statement.all(...bind(args)).map((values) => toRow(names, values)) as never;
    };
  };
}

function toRow(names: readonly string[], values: readonly unknown[]): Record<string, unknown> {
  const row: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index += 1) row[names[index] ?? ''] = values[index];
  return row;
}

const toCamelCase = (name: string): string =>
  name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function connect(path: string, { readonly }: { readonly: boolean }): Sqlite.Database {
  // Waiting is done without blocking the event loop (see WriterDriver), so the driver itself waits only briefly.
  const connection = new Sqlite(path, { readonly, timeout: 50 });
  if (!readonly) {
    connection.pragma('journal_mode = wal');
    connection.pragma('synchronous = full');
    connection.pragma('journal_size_limit = 67108864');
  }
  connection.pragma('foreign_keys = on');
  connection.pragma('cache_size = -32768');
  connection.pragma('temp_store = memory');
  return connection;
}

/** Keeps prepared statements: preparing costs more than running a small query. */
function cached(connection: Sqlite.Database): {
  prepare: (sql: string) => Sqlite.Statement;
  close: () => void;
} {
  const statements = new Map<string, Sqlite.Statement>();
  return {
    prepare(sql) {
      const known = statements.get(sql);
      if (known) return known;
      const statement = connection.prepare(sql);
      // Statements differ by the length of their IN lists, so the set is bounded; the oldest goes first.
      if (statements.size >= 500) statements.delete(statements.keys().next().value ?? '');
      statements.set(sql, statement);
      return statement;
    },
    close: () => connection.close(),
  };
}

class WriterDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): SqliteDriver {
    return new WriterDriver(this.#config);
  }
}

/** Takes the writer's lock at BEGIN, so that no statement inside a transaction can meet another process's lock. */
class WriterDriver extends SqliteDriver {
  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    const begin = CompiledQuery.raw('begin immediate');
    const giveUpAt = performance.now() + BUSY_LIMIT_MS;
    for (;;) {
      try {
        await connection.executeQuery(begin);
        return;
      } catch (error) {
        if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error;
        if (performance.now() > giveUpAt)
          throw unavailable('database_busy', 'The server is busy. Please try again.', { retryAfter: 2 });
        await delay(20);
      }
    }
  }
}
