// Who follows whom. The source keeps no date, so it is the earliest that it can be.
import { sql } from 'kysely';
import type { Transaction } from '../../platform/database/database.ts';
import type { Local } from './ledger.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { follows, type RowOf } from './source-tables.ts';

export async function takeFollows(run: Run): Promise<void> {
  await walk(run, {
    source: follows,
    prepare: async () => undefined,
    async take(tx, rows) {
      const people = await run.ledger.resolve(tx, {
        table: 'Users_profile',
        ids: rows.flatMap((row) => [row.from_profile_id, row.to_profile_id]),
      });
      const outcomes = new Map<number, Outcome>();
      for (const row of rows) outcomes.set(row.id, await takeFollow(tx, { row, people }));
      return outcomes;
    },
  });
}

async function takeFollow(
  tx: Transaction,
  { row, people }: { row: RowOf<typeof follows>; people: Map<number, Local> },
): Promise<Outcome> {
  const { from_profile_id, to_profile_id } = row;
  if (from_profile_id === to_profile_id) return { refused: 'nobody follows themselves here' };
  const followed = people.get(from_profile_id);
  const follower = people.get(to_profile_id);
  if (!followed) return { refused: `profile ${from_profile_id} was not taken` };
  if (!follower) return { refused: `profile ${to_profile_id} was not taken` };
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('follows')
    .values({
      followedId: followed.id,
      followerId: follower.id,
      createdAt: Math.max(followed.createdAt, follower.createdAt),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows) {
    await tx
      .updateTable('profiles')
      .set({ followersCount: sql<number>`followers_count + 1` })
      .where('id', '=', followed.id)
      .execute();
    await tx
      .updateTable('profiles')
      .set({ followingCount: sql<number>`following_count + 1` })
      .where('id', '=', follower.id)
      .execute();
  }
  return { localId: followed.id };
}
