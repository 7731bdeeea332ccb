// PostgreSQL: transactions at READ COMMITTED on one pool, reads on another that the server keeps from writing. What two
// transactions must not do at once they queue for by name (`Dialect.lock`); unique indexes decide the rest.
import { setTimeout as delay } from 'node:timers/promises';
import {
  CamelCasePlugin,
  type Compilable,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely';
import {
  collectEffects,
  type Database,
  type DatabaseObserver,
  type Effect,
  NEWEST_MIGRATION,
  runEffects,
  type Transaction,
} from './database.ts';
import { type PostgresSettings, UnusablePostgres } from './settings.ts';
import { type Connections, isUnreachable, openConnections } from './postgres-connections.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { CommitInDoubt, openConnection, PostgresDriver, StalePlan } from './postgres-driver.ts';
import { explainWrite, isConflict } from './postgres-errors.ts';
import {
  compilePrepared,
  type PreparedArgs,
  type PreparedQuery,
  type PreparedWithin,
  toCamelCase,
  toRow,
} from './prepared.ts';
import { logTo } from './statements.ts';
import type { Tables } from './tables.ts';

/** How often something is done again that certainly was not done. */
const TRIES = 4;
const OLDEST_VERSION = 15;
/** Each connection sets them as it begins, unless something between drops that. */
const TIME_LIMITS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];

export async function openPostgres(
  settings: PostgresSettings,
  { onError, observer }: { onError: (error: unknown) => void; observer: DatabaseObserver },
): Promise<Database> {
  await using opened = new AsyncDisposableStack();
  const writerSize = Math.max(1, Math.floor(settings.poolSize / 2));
  const readerSize = settings.poolSize - writerSize;
  const writers = opened.use(openConnections({ ...settings, readonly: false, size: writerSize }));
  const readers = opened.use(openConnections({ ...settings, readonly: true, size: readerSize }));
  const version = await checkServer(writers);
  const write = createKysely(writers, { ...observer, readonly: false });
  const read = createKysely(readers, { ...observer, readonly: true });
  const disposal = opened.move();
  return {
    read,
    prepare: (build) => prepareReads({ ...observer, readers, kysely: read }, build),
    prepareWithin: (build) => prepareWrites(write, build),
    dialect: postgresDialect,
    description: `PostgreSQL ${version}`,
    async transaction(work, { idempotent = false } = {}) {
      const { result, effects } = await persist(() => commit(write, work), { ...observer, idempotent });
      runEffects(effects, onError);
      return result;
    },
    snapshot: (work) =>
      read
        .transaction()
        .setIsolationLevel('repeatable read')
        .execute((tx) => work(tx)),
    pool: () => addUp([writers.size, readers.size]),
    async check() {
      const [{ schema }, isReadonly] = await Promise.all([
        readers.ask<{ schema: number }>(NEWEST_MIGRATION),
        // One for whom all connections are at work would wait for long transactions; these tell by themselves.
        writers.size.used < writerSize && refusesWrites(writers),
      ]);
      return { schema, isReadonly };
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

/** Does it again as long as it certainly left nothing behind, or leaves the same however often it is done. */
async function persist<T>(
  attempt: () => Promise<T>,
  { idempotent, onRetry }: { idempotent: boolean } & DatabaseObserver,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const again =
        isConflict(error) ||
        isUnreachable(error) ||
        error instanceof StalePlan ||
        (idempotent && error instanceof CommitInDoubt);
      if (!again || tries >= TRIES) throw explainWrite(error);
      onRetry?.();
      await delay(Math.random() * 10 * 2 ** tries);
    }
  }
}

function addUp(sizes: readonly Connections['size'][]) {
  const sum = (name: keyof Connections['size']): number => sizes.reduce((all, size) => all + size[name], 0);
  return { used: sum('used'), idle: sum('open') - sum('used'), waiting: sum('waiting') };
}

function commit<T>(
  write: Kysely<Tables>,
  work: (tx: Transaction) => Promise<T>,
): Promise<{ result: T; effects: Effect[] }> {
  return write.transaction().execute(async (tx) => {
    const effects = collectEffects(tx);
    return { result: await work(tx), effects };
  });
}

function createKysely(
  connections: Connections,
  options: { readonly: boolean } & DatabaseObserver,
): Kysely<Tables> {
  const dialect = {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDriver(connections, options),
    createIntrospector: (db: Kysely<unknown>) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
  return new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()], ...logTo(options.onStatement) });
}

/** Rows are made of bare values under names that are converted once. */
function prepareReads<Args extends PreparedArgs, Row>(
  { readers, kysely, onStatement }: { readers: Connections; kysely: Kysely<Tables> } & DatabaseObserver,
  build: (db: Kysely<Tables>, args: Args) => Compilable<Row>,
): (args: Args) => Promise<Row[]> {
  let ready: PreparedQuery<Args> | undefined;
  let names: readonly string[] | undefined;
  return async (args) => {
    const { query, bind } = (ready ??= compilePrepared(kysely, build, keepLists));
    const connection = await openConnection(readers, { readonly: true });
    const begun = performance.now();
    let failed = true;
    try {
      const { rows, fields } = await connection.run(query.sql, { values: bind(args), rowMode: 'array' });
      failed = false;
      const columns = (names ??= fields.map(({ name }) => toCamelCase(name)));
      return rows.map((values: unknown[]) => toRow(columns, values)) as Row[];
    } finally {
      onStatement?.({ text: query.sql, ms: performance.now() - begun, failed });
      connection.release();
    }
  };
}

function prepareWrites<Args extends PreparedArgs, Row>(
  kysely: Kysely<Tables>,
  build: (db: Kysely<Tables>, args: Args) => Compilable<Row>,
): PreparedWithin<Args, Row> {
  let ready: PreparedQuery<Args, Row> | undefined;
  return async (tx, args) => {
    const { query, bind } = (ready ??= compilePrepared(kysely, build, keepLists));
    return (await tx.executeQuery<Row>({ ...query, parameters: bind(args) })).rows;
  };
}

/** The driver writes lists as arrays. */
const keepLists = (list: readonly number[]): unknown => list;

/** A standby, or one that an operator keeps from being written. */
async function refusesWrites(writers: Connections): Promise<boolean> {
  const { refuses } = await writers.ask<{ refuses: boolean }>(
    `select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as refuses`,
  );
  return refuses;
}

/** Throws UnusablePostgres for a server that this program cannot work with. */
async function checkServer(writers: Connections): Promise<string> {
  const connection = await openConnection(writers, { readonly: true });
  try {
    const { rows } = await connection.run(
      `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
        current_setting('server_encoding') as encoding,
        array(select name from pg_settings where name = any (string_to_array('${TIME_LIMITS.join()}', ',')) and setting = '0') as unlimited`,
    );
    const [row] = rows as { version: string; number: number; encoding: string; unlimited: string[] }[];
    if (!row || row.number < OLDEST_VERSION * 10_000)
      throw new UnusablePostgres(`PostgreSQL ${OLDEST_VERSION} or newer is needed`);
    if (row.encoding !== 'UTF8')
      throw new UnusablePostgres(`its encoding is ${row.encoding}, and UTF8 is needed`);
    if (row.unlimited.length > 0)
      throw new UnusablePostgres(
        `a pooler keeps ${row.unlimited.join(', ')} from it; give them to the user (alter role … set …)`,
      );
    return row.version.split(' ')[0] ?? '';
  } finally {
    connection.release();
  }
}
