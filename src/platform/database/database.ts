// The database as features see it: reads on one handle, writes only inside `transaction`, effects only after
// the commit. Which engine it is stays behind the `Dialect` object.
import type { Kysely, Transaction as KyselyTransaction } from 'kysely';
import type { Dialect } from './dialect.ts';
import type { Prepare } from './prepared.ts';
import type { Tables } from './tables.ts';

/** Reads outside a transaction. Writing through it fails. */
export type Reader = Kysely<Tables>;
/** An open transaction: only rows inside, never network, disk or a child process. */
export type Transaction = KyselyTransaction<Tables>;

export interface Database extends AsyncDisposable {
  readonly read: Reader;
  readonly prepare: Prepare;
  readonly dialect: Dialect;
  /** What the start report says, e.g. `SQLite 3.54.1`. */
  readonly description: string;
  /**
   * Runs `work` in one write transaction and commits, or rolls back when it throws.
   * Throws `unavailable` (`database_busy`) when another process keeps the writer's lock for 5 s.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Writes a consistent copy of the whole database to `path` while it stays in use. */
  backup(path: string): Promise<void>;
}

const effects = new WeakMap<object, (() => void)[]>();

/** Defers `effect` until `tx` is committed; a rollback drops it. It must be safe to lose, or be a job instead. */
export function afterCommit(tx: Transaction, effect: () => void): void {
  const list = effects.get(tx);
  if (!list) throw new Error('afterCommit was called outside of a transaction of this database');
  list.push(effect);
}

/** For adapters: runs `work` in a transaction of `kysely` and its deferred effects once that has committed. */
export async function runTransaction<T>(
  kysely: Kysely<Tables>,
  work: (tx: Transaction) => Promise<T>,
  onEffectError: (error: unknown) => void,
): Promise<T> {
  const deferred: (() => void)[] = [];
  const result = await kysely.transaction().execute(async (tx) => {
    effects.set(tx, deferred);
    return work(tx);
  });
  for (const effect of deferred) {
    try {
      effect();
    } catch (error) {
      onEffectError(error);
    }
  }
  return result;
}
