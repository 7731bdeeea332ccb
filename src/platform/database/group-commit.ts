// One writer, many transactions: those that wait for its turn are committed together, so that one sync of the disk answers
// for all of them. Each is a savepoint of its own and fails alone; nobody is answered before the commit.
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Kysely, sql } from 'kysely';
import { collectEffects, type Effect, runEffects, type Transaction } from './database.ts';
import type { Tables } from './tables.ts';

/** Bounds how long the first of a group waits for the last. */
const GROUP_SIZE = 64;

/** When the oldest transaction of the current group was asked for: its wait for a turn in this process counts too. */
const askedAt = new AsyncLocalStorage<number>();

export const groupAskedAt = (): number => askedAt.getStore() ?? performance.now();

interface Waiting {
  askedAt: number;
  work: (tx: Transaction) => Promise<unknown>;
  resolve: (result: unknown) => void;
  reject: (error: unknown) => void;
}

interface Done {
  waiting: Waiting;
  result: unknown;
  effects: Effect[];
}

export function createGroupCommit(kysely: Kysely<Tables>, onEffectError: (error: unknown) => void) {
  const queue: Waiting[] = [];
  let committing = false;

  async function drain(): Promise<void> {
    if (committing) return;
    committing = true;
    while (queue.length > 0) await commit(queue.splice(0, GROUP_SIZE));
    committing = false;
  }

  async function commit(group: readonly Waiting[]): Promise<void> {
    const done: Done[] = [];
    const since = Math.min(...group.map((waiting) => waiting.askedAt));
    let begun = false;
    try {
      await askedAt.run(since, () =>
        kysely.transaction().execute(async (tx) => {
          begun = true;
          for (const waiting of group)
            await (group.length === 1 ? perform(tx, { waiting, done }) : apart(tx, { waiting, done }));
        }),
      );
    } catch (error) {
      // Where it could not even begin, only the oldest have waited as long as anybody should.
      const patient = begun ? [] : group.filter((waiting) => waiting.askedAt > since);
      queue.unshift(...patient);
      for (const waiting of group) if (!patient.includes(waiting)) waiting.reject(error);
      return;
    }
    for (const { waiting, result, effects } of done) {
      runEffects(effects, onEffectError);
      waiting.resolve(result);
    }
  }

  /** Under a savepoint. Should even going back to it fail, as after a full disk, the whole group fails. */
  async function apart(
    tx: Transaction,
    { waiting, done }: { waiting: Waiting; done: Done[] },
  ): Promise<void> {
    await sql`savepoint work`.execute(tx);
    try {
      await perform(tx, { waiting, done });
    } catch (error) {
      await sql`rollback to work`.execute(tx).catch(() => {
        throw error;
      });
      waiting.reject(error);
    }
    await sql`release work`.execute(tx);
  }

  return <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      queue.push({ askedAt: performance.now(), work, resolve: resolve as (result: unknown) => void, reject });
      void drain();
    });
}

async function perform(
  tx: Transaction,
  { waiting, done }: { waiting: Waiting; done: Done[] },
): Promise<void> {
  const effects = collectEffects(tx);
  const result = await waiting.work(tx);
  done.push({ waiting, result, effects });
}
