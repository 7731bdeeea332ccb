// Following: one row per pair, the counters of both sides changed in the same transaction and only when a row was.
import { sql } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import type { Viewer } from '../users/index.ts';

export interface Follows {
  /** Idempotent. Throws `not_found`, or `invalid` for following oneself. */
  set(options: { viewer: Viewer; profileId: number; following: boolean }): Promise<void>;
  toggle(options: { viewer: Viewer; profileId: number }): Promise<void>;
}

export function createFollows({ database, now }: { database: Database; now: () => number }): Follows {
  return {
    set: ({ viewer, profileId, following }) =>
      database.transaction(async (tx) => {
        await checkFollowable(database, tx, { viewer, profileId });
        await (following
          ? follow(tx, { viewer, profileId, at: now() })
          : unfollow(tx, { viewer, profileId }));
      }),
    toggle: ({ viewer, profileId }) =>
      database.transaction(async (tx) => {
        await checkFollowable(database, tx, { viewer, profileId });
        const removed = await unfollow(tx, { viewer, profileId });
        if (!removed) await follow(tx, { viewer, profileId, at: now() });
      }),
  };
}

async function checkFollowable(
  { dialect }: Database,
  tx: Transaction,
  { viewer, profileId }: { viewer: Viewer; profileId: number },
): Promise<void> {
  if (viewer.profileId === profileId) throw invalid('self_follow', 'You cannot follow yourself.');
  // Both counters change. Always in the same order, so that two who follow each other do not wait for each other.
  const both = [viewer.profileId, profileId].toSorted((a, b) => a - b);
  for (const id of both) await dialect.lock(tx, `profile:${id}`);
  const profile = await tx.selectFrom('profiles').select('id').where('id', '=', profileId).executeTakeFirst();
  if (!profile) throw notFound('profile');
}

async function follow(
  tx: Transaction,
  { viewer, profileId, at }: { viewer: Viewer; profileId: number; at: number },
): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('follows')
    .values({ followedId: profileId, followerId: viewer.profileId, createdAt: at })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows) await count(tx, { viewer, profileId, by: 1 });
}

async function unfollow(
  tx: Transaction,
  { viewer, profileId }: { viewer: Viewer; profileId: number },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('follows')
    .where('followedId', '=', profileId)
    .where('followerId', '=', viewer.profileId)
    .executeTakeFirst();
  if (numDeletedRows > 0n) await count(tx, { viewer, profileId, by: -1 });
  return numDeletedRows > 0n;
}

async function count(
  tx: Transaction,
  { viewer, profileId, by }: { viewer: Viewer; profileId: number; by: 1 | -1 },
): Promise<void> {
  await tx
    .updateTable('profiles')
    .set({ followersCount: sql<number>`followers_count + ${by}` })
    .where('id', '=', profileId)
    .execute();
  await tx
    .updateTable('profiles')
    .set({ followingCount: sql<number>`following_count + ${by}` })
    .where('id', '=', viewer.profileId)
    .execute();
}
