// Which rows of the source were taken and what they became. Written in the transaction that takes them, so a run that
// is killed goes on where it stopped, and a row that was taken once never comes a second time.
import { sql } from 'kysely';
import type { Database, Reader, Transaction } from '../../platform/database/database.ts';

/** A row of ours that a row of the source became. */
export interface Local {
  id: number;
  createdAt: number;
}

export interface Ledger {
  /** Those of `ids` that were taken before. */
  findKnown(db: Reader, rows: { table: string; ids: readonly number[] }): Promise<Set<number>>;
  /** What rows of `table` became, by their id there; those not taken, or gone since, are absent. */
  resolve(
    db: Reader,
    rows: { table: keyof typeof homes; ids: Iterable<number> },
  ): Promise<Map<number, Local>>;
  record(tx: Transaction, taken: { table: string; localIds: ReadonlyMap<number, number> }): Promise<void>;
}

const homes = {
  auth_user: 'users',
  Users_profile: 'profiles',
  Posts_post: 'posts',
  Posts_comment: 'posts',
  Posts_reply: 'posts',
  Posts_mediafile: 'media',
} as const;

export function createLedger({ dialect: { anyOf } }: Database, sourceId: number): Ledger {
  return {
    async findKnown(db, { table, ids }) {
      if (ids.length === 0) return new Set();
      const rows = await db
        .selectFrom('imports')
        .select('foreignId')
        .where('sourceId', '=', sourceId)
        .where('foreignTable', '=', table)
        .where('foreignId', 'in', anyOf(ids))
        .execute();
      return new Set(rows.map((row) => row.foreignId));
    },
    async resolve(db, { table, ids }) {
      const list = [...new Set(ids)];
      if (list.length === 0) return new Map();
      const { rows } = await sql<{ foreignId: number; id: number; createdAt: number }>`
        select imports.foreign_id, home.id, home.created_at
        from imports inner join ${sql.table(homes[table])} as home on home.id = imports.local_id
        where imports.source_id = ${sourceId} and imports.foreign_table = ${table}
          and imports.foreign_id in ${anyOf(list)}`.execute(db);
      return new Map(rows.map(({ foreignId, id, createdAt }) => [foreignId, { id, createdAt }]));
    },
    async record(tx, { table, localIds }) {
      if (localIds.size === 0) return;
      const rows = [...localIds].map(([foreignId, localId]) => ({
        sourceId,
        foreignTable: table,
        foreignId,
        localId,
      }));
      await tx.insertInto('imports').values(rows).execute();
    },
  };
}
