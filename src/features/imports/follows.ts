// Who follows whom. The source keeps no date, so it is the earliest that it can be.
import { sql } from 'kysely';
import type { Transaction } from '../../platform/database/database.ts';
import type { Local } from './ledger.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { follows } from './source-tables.ts';

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
      const pairs: Pair[] = [];
      for (const { id, from_profile_id, to_profile_id } of rows) {
        const followed = people.get(from_profile_id);
        const follower = people.get(to_profile_id);
        if (from_profile_id === to_profile_id) {
          outcomes.set(id, { refused: 'nobody follows themselves here' });
        } else if (followed && follower) {
          pairs.push({ followed, follower });
          outcomes.set(id, { localId: followed.id });
        } else {
          const missing = followed ? to_profile_id : from_profile_id;
          outcomes.set(id, { refused: `profile ${missing} was not taken` });
        }
      }
      if (pairs.length > 0) await insert(tx, pairs);
      return outcomes;
    },
  });
}

interface Pair {
  followed: Local;
  follower: Local;
}

async function insert(tx: Transaction, pairs: readonly Pair[]): Promise<void> {
  const inserted = await tx
    .insertInto('follows')
    .values(
      pairs.map(({ followed, follower }) => ({
        followedId: followed.id,
        followerId: follower.id,
        createdAt: Math.max(followed.createdAt, follower.createdAt),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning(['followedId', 'followerId'])
    .execute();
  for (const [id, added] of Map.groupBy(inserted, (row) => row.followedId)) {
    await tx
      .updateTable('profiles')
      .set({ followersCount: sql<number>`followers_count + ${added.length}` })
      .where('id', '=', id)
      .execute();
  }
  for (const [id, added] of Map.groupBy(inserted, (row) => row.followerId)) {
    await tx
      .updateTable('profiles')
      .set({ followingCount: sql<number>`following_count + ${added.length}` })
      .where('id', '=', id)
      .execute();
  }
}
