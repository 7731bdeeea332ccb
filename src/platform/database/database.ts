// The database as features see it: reads on one handle, writes only inside `transaction`, effects only after
// the commit. Which engine it is stays behind the `Dialect` object.
import type { Kysely, Transaction as KyselyTransaction } from 'kysely';
import type { Dialect } from './dialect.ts';
import type { Prepare, PrepareWithin } from './prepared.ts';
import type { Tables } from './tables.ts';

/** Reads outside a transaction. Writing through it fails. */
export type Reader = Kysely<Tables>;
/** An open transaction: only rows inside, never network, disk or a child process. */
export type Transaction = KyselyTransaction<Tables>;

export interface Database extends AsyncDisposable {
  readonly read: Reader;
  readonly prepare: Prepare;
  readonly prepareWithin: PrepareWithin;
  readonly dialect: Dialect;
  /** What the start report says, e.g. `SQLite 3.54.1`. */
  readonly description: string;
  /**
   * Runs `work` in one write transaction and commits, or rolls back when it throws.
   * `work` may run several times, each after a rollback of the one before: nothing but rows may come of it. When the
   * connection is lost during the commit nobody knows whether it happened: `idempotent` work is done again then, other
   * work fails. Throws `unavailable` (`database_busy`, `database_unavailable`) after waiting for 5 s, and `database_read_only`.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: { idempotent?: boolean }): Promise<T>;
  /** Runs `work` with a reader that sees everything as it is at one moment. */
  snapshot<T>(work: (read: Reader) => Promise<T>): Promise<T>;
  /**
   * Asks once, and does not wait for a server that is away: the newest migration that was applied, and whether the server
   * takes reads only.
   */
  check(): Promise<{ schema: number; isReadonly: boolean }>;
  /** Connections of an engine that has them: in use, idle, and callers that wait for one. */
  pool?(): { used: number; idle: number; waiting: number };
  /**
   * Writes a consistent copy of the whole database to `path` while it stays in use: a file of SQLite. Only where the engine
   * does so by itself; rows can be copied from any.
   */
  backup?(path: string): Promise<void>;
}

/** Hears of what happens inside the adapter. */
export interface DatabaseObserver {
  /** A transaction is begun again. */
  onRetry?: () => void;
  /** A statement is over. Its text has no values in it. */
  onStatement?: (statement: { text: string; ms: number; failed: boolean }) => void;
}

/** For adapters: what `check` asks of the tables. */
export const NEWEST_MIGRATION = 'select coalesce(max(number), 0) as schema from schema_migrations';

export type Effect = () => void;

const effects = new WeakMap<object, Effect[]>();

/** Defers `effect` until `tx` is committed; a rollback drops it. It must be safe to lose, or be a job instead. */
export function afterCommit(tx: Transaction, effect: Effect): void {
  const list = effects.get(tx);
  if (!list) throw new Error('afterCommit was called outside of a transaction of this database');
  list.push(effect);
}

/** For adapters: effects deferred on `tx` go to the list that is answered, from now on. */
export function collectEffects(tx: Transaction): Effect[] {
  const list: Effect[] = [];
  effects.set(tx, list);
  return list;
}

/** For adapters: runs effects after their commit; the failure of one stops neither the others nor the caller. */
export function runEffects(list: readonly Effect[], onError: (error: unknown) => void): void {
  for (const effect of list) {
    try {
      effect();
    } catch (error) {
      onError(error);
    }
  }
}
