// SQLite: one writer connection behind Kysely's mutex, one read-only connection beside it (WAL: readers see the last
// commit and wait for nobody). A transaction is answered once the log holds it durably: it survives a power loss.
import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {
  CamelCasePlugin,
  type Compilable,
  type DatabaseConnection,
  Kysely,
  type LimitNode,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { unavailable } from '../errors.ts';
import {
  collectEffects,
  type Database,
  type DatabaseObserver,
  type Effect,
  NEWEST_MIGRATION,
  runEffects,
  type Transaction,
} from './database.ts';
import { openLogSync } from './log-sync.ts';
import { compilePrepared, type PreparedArgs, toCamelCase, toRow } from './prepared.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { logTo, observe } from './statements.ts';
import type { Tables } from './tables.ts';

const BUSY_LIMIT_MS = 5_000;
const BUSY_PAUSE_MS = 10;

export async function openSqlite(options: {
  path: string;
  onError: (error: unknown) => void;
  observer: DatabaseObserver;
}): Promise<Database> {
  const { onStatement } = options.observer;
  const writer = connect(options.path, { readonly: false });
  const reader = connect(options.path, { readonly: true });
  const write = createKysely(new WriterDriver(writer), onStatement);
  const read = createKysely(new SqliteDriver({ database: cached(reader) }), onStatement);
  const log = await openLogSync(`${options.path}-wal`);
  const { version } = reader.prepare('select sqlite_version() as version').get() as { version: string };
  return {
    read,
    prepare: (build) => {
      const run = prepareOn(reader, { kysely: read, onStatement })(build);
      return async (args) => run(args);
    },
    prepareWithin: (build) => {
      const run = prepareOn(writer, { kysely: write, onStatement })(build);
      return async (_tx, args) => {
        if (!writer.inTransaction) throw new Error('a statement for transactions was run outside of one');
        return run(args);
      };
    },
    dialect: sqliteDialect,
    description: `SQLite ${version}`,
    async transaction(work) {
      try {
        const { result, effects } = await askedAt.run(performance.now(), () => commit(write, work));
        await log.sync().catch(endProcess);
        runEffects(effects, options.onError);
        return result;
      } catch (error) {
        if (!isSqliteError(error, 'SQLITE_FULL')) throw error;
        throw unavailable('storage_full', 'The server has no space left. Please try again later.', {
          retryAfter: 60,
        });
      }
    },
    async snapshot(work) {
      const connection = connect(options.path, { readonly: true });
      const db = createKysely(new SqliteDriver({ database: cached(connection) }), onStatement);
      try {
        return await db.transaction().execute((tx) => work(tx));
      } finally {
        await db.destroy();
        connection.close();
      }
    },
    async check() {
      const row = reader.prepare<[], { schema: number }>(NEWEST_MIGRATION).get();
      return { schema: row?.schema ?? 0, isReadonly: false };
    },
    backup: (path) => backUp(options.path, path),
    async [Symbol.asyncDispose]() {
      // Kysely closes only what was used. The writer goes last: as such it leaves no log behind.
      await read.destroy();
      reader.close();
      await write.destroy();
      writer.close();
      await log[Symbol.asyncDispose]();
    },
  };
}

/**
 * What the system could not write it may have let go of, and say nothing the next time: later commits would rest on a hole.
 * A new start reads what the memory still holds and writes it to the disk another way.
 */
function endProcess(cause: unknown): never {
  setImmediate(() => {
    throw new Error('The log of the database could not be written to the disk', { cause });
  });
  throw cause;
}

/** When a transaction was asked for: its wait for a turn in this process counts as waiting too. */
const askedAt = new AsyncLocalStorage<number>();

function commit<T>(
  write: Kysely<Tables>,
  work: (tx: Transaction) => Promise<T>,
): Promise<{ result: T; effects: Effect[] }> {
  return write.transaction().execute(async (tx) => {
    const effects = collectEffects(tx);
    return { result: await work(tx), effects };
  });
}

function createKysely(driver: SqliteDriver, onStatement: DatabaseObserver['onStatement']): Kysely<Tables> {
  const dialect = {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => driver,
    createIntrospector: (db: Kysely<unknown>) => new SqliteIntrospector(db),
    createQueryCompiler: () => new StablePlanCompiler(),
  };
  return new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()], ...logTo(onStatement) });
}

/**
 * SQLite looks at the values bound to bare parameters when it plans, and so plans a prepared statement afresh whenever
 * they are bound anew, which costs several times what a small query does. It does not look into expressions.
 */
class StablePlanCompiler extends SqliteQueryCompiler {
  protected override getCurrentParameterPlaceholder(): string {
    return '+?';
  }

  /** A sign alone does not hide a limit. */
  protected override visitLimit(node: LimitNode): void {
    this.append('limit 0 + ');
    this.visitNode(node.limit);
  }
}

/** Straight to the driver: rows are made of bare values under names that are converted once. */
function prepareOn(
  connection: Sqlite.Database,
  { kysely, onStatement }: { kysely: Kysely<Tables>; onStatement: DatabaseObserver['onStatement'] },
) {
  return <Args extends PreparedArgs, Row>(build: (db: Kysely<Tables>, args: Args) => Compilable<Row>) => {
    let ready: ReturnType<typeof compile> | undefined;
    function compile() {
      const { query, bind } = compilePrepared(kysely, build, JSON.stringify);
      const statement = connection.prepare<unknown[], unknown[]>(query.sql);
      const names = statement.reader
        ? statement
            .raw(true)
            .columns()
            .map(({ name }) => toCamelCase(name))
        : [];
      return { text: query.sql, statement, bind, names };
    }
    const run = ({ statement, bind, names }: ReturnType<typeof compile>, args: Args): Row[] => {
      if (statement.reader)
        return statement.all(...bind(args)).map((values) => toRow(names, values)) as Row[];
      statement.run(...bind(args));
      return [];
    };
    return (args: Args): Row[] => {
      const prepared = (ready ??= compile());
      return observe(onStatement, { text: prepared.text, run: () => run(prepared, args) });
    };
  };
}

function connect(path: string, { readonly }: { readonly: boolean }): Sqlite.Database {
  // While it opens, it may have to wait for another process that opens the same new database.
  const connection = new Sqlite(path, { readonly, timeout: BUSY_LIMIT_MS });
  if (!readonly) {
    connection.pragma('journal_mode = wal');
    // Commits are synced by `transaction`, beside the event loop; SQLite itself syncs what checkpoints need.
    connection.pragma('synchronous = normal');
    connection.pragma('journal_size_limit = 67108864');
  }
  connection.pragma('foreign_keys = on');
  connection.pragma('cache_size = -32768');
  connection.pragma('temp_store = memory');
  // From now on waiting must not block the event loop: see WriterDriver. Readers wait only for another process's recovery.
  connection.pragma(`busy_timeout = ${readonly ? 1_000 : 0}`);
  // A log that was left behind goes into the database, unless another process is at it: see endProcess.
  if (!readonly) connection.pragma('wal_checkpoint(truncate)');
  return connection;
}

/** Copies one snapshot: without the open transaction every commit meanwhile would start the copy afresh. */
async function backUp(from: string, to: string): Promise<void> {
  const source = new Sqlite(from, { readonly: true, timeout: BUSY_LIMIT_MS });
  try {
    source.exec('begin; select 1 from sqlite_schema');
    await source.backup(to);
  } finally {
    source.close();
  }
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

/** Takes the writer's lock at BEGIN, so that no statement inside a transaction can meet another process's lock. */
class WriterDriver extends SqliteDriver {
  readonly #connection: Sqlite.Database;
  readonly #begin: Sqlite.Statement;
  readonly #commit: Sqlite.Statement;

  constructor(connection: Sqlite.Database) {
    super({ database: cached(connection) });
    this.#connection = connection;
    this.#begin = connection.prepare('begin immediate');
    this.#commit = connection.prepare('commit');
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    // One that could not even be rolled back, on a disk that failed for a while, must not stand in the way for ever.
    await this.rollbackTransaction(connection);
    const giveUpAt = (askedAt.getStore() ?? performance.now()) + BUSY_LIMIT_MS;
    for (;;) {
      try {
        this.#begin.run();
        return;
      } catch (error) {
        if (!isSqliteError(error, 'SQLITE_BUSY')) throw error;
        if (performance.now() > giveUpAt)
          throw unavailable('database_busy', 'The server is busy. Please try again.', { retryAfter: 2 });
        await delay(BUSY_PAUSE_MS);
      }
    }
  }

  override async commitTransaction(): Promise<void> {
    this.#commit.run();
  }

  /** SQLite has rolled back by itself after some failures (a full disk); asking again would hide what went wrong. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#connection.inTransaction) await super.rollbackTransaction(connection);
  }
}

const isSqliteError = (error: unknown, code: string): boolean =>
  error instanceof Sqlite.SqliteError && error.code.startsWith(code);
