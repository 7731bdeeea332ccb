// What an operator sees and does about jobs.
import { type Selectable, sql } from 'kysely';
import type { Database } from '../database/database.ts';
import type { JobsTable } from '../database/tables.ts';
import { conflict, notFound } from '../errors.ts';

export interface JobTally {
  kind: string;
  /** `later`: its time has not come. */
  state: 'dead' | 'running' | 'later' | 'waiting';
  count: number;
  /** Milliseconds; 0 of those that do not wait. */
  waitingMs: number;
}

export interface JobsOverview {
  /** Waiting, running and dead ones, in the order of their ids; at most 1,000. */
  list(): Promise<Selectable<JobsTable>[]>;
  /** How many there are of each kind in each state, and for how long the oldest of them could have run. */
  tally(): Promise<JobTally[]>;
  /**
   * Gives a dead job all its tries again, at once. Throws `not_found` when there is no such dead job, and
   * `conflict` (`job_waiting`) when another one with its unique key waits or runs.
   */
  retry(id: number): Promise<void>;
}

export function createJobsOverview({
  database,
  now,
}: {
  database: Database;
  now: () => number;
}): JobsOverview {
  return {
    list: () => database.read.selectFrom('jobs').selectAll().orderBy('id').limit(1_000).execute(),
    async tally() {
      const at = now();
      const state = sql<JobTally['state']>`case when dead_at is not null then 'dead'
        when lease_until > ${at} then 'running' when run_at > ${at} then 'later' else 'waiting' end`;
      const rows = await database.read
        .selectFrom('jobs')
        .select(['kind', state.as('state')])
        .select((select) => [select.fn.countAll<number>().as('count'), select.fn.min('runAt').as('since')])
        .groupBy(['kind', sql`2`])
        .execute();
      return rows.map(({ since, ...row }) => ({
        ...row,
        waitingMs: row.state === 'waiting' ? Math.max(0, at - Number(since)) : 0,
      }));
    },
    async retry(id) {
      const retrying = database.transaction(async (tx) =>
        tx
          .updateTable('jobs')
          .set({ deadAt: null, attempts: 0, runAt: now(), leaseHolder: null, leaseUntil: 0 })
          .where('id', '=', id)
          .where('deadAt', 'is not', null)
          .executeTakeFirst(),
      );
      const { numUpdatedRows } = await retrying.catch((error: unknown) => {
        if (!database.dialect.isUniqueViolation(error, 'jobs.unique_key')) throw error;
        throw conflict('job_waiting', 'The same work waits or runs already.');
      });
      if (numUpdatedRows === 0n) throw notFound('job');
    },
  };
}
