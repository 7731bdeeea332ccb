// Likes on posts, comments and replies: one row per pair, the counter changed with it and only when a row was.
import { sql } from 'kysely';
import { afterCommit, type Database, type Transaction } from '../../platform/database/database.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import type { Viewer } from '../users/index.ts';
import { findItem, type Level, type ThreadItem, topOf, touch } from './queries.ts';

interface Target {
  viewer: Viewer;
  id: number;
  /** Asks that it be of this level; anything else is not found. */
  level?: Level;
}

export interface Likes {
  /** Idempotent. Throws `not_found`. Answers the post at the top of the thread. */
  set(target: Target & { liked: boolean }): Promise<{ postId: number }>;
  /** Throws `not_found`. */
  toggle(target: Target): Promise<void>;
}

export function createLikes({
  database,
  bus,
  now,
}: {
  database: Database;
  bus: Bus;
  now: () => number;
}): Likes {
  async function like(
    tx: Transaction,
    { item, viewer }: { item: ThreadItem; viewer: Viewer },
  ): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await tx
      .insertInto('likes')
      .values({ postId: item.id, profileId: viewer.profileId, createdAt: now() })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (!numInsertedOrUpdatedRows) return false;
    await changed(tx, { item, by: 1 });
    return true;
  }

  async function unlike(
    tx: Transaction,
    { item, viewer }: { item: ThreadItem; viewer: Viewer },
  ): Promise<boolean> {
    const { numDeletedRows } = await tx
      .deleteFrom('likes')
      .where('postId', '=', item.id)
      .where('profileId', '=', viewer.profileId)
      .executeTakeFirst();
    if (numDeletedRows === 0n) return false;
    await changed(tx, { item, by: -1 });
    return true;
  }

  async function changed(tx: Transaction, { item, by }: { item: ThreadItem; by: 1 | -1 }): Promise<void> {
    await tx
      .updateTable('posts')
      .set({ likesCount: sql<number>`likes_count + ${by}` })
      .where('id', '=', item.id)
      .execute();
    await touch(tx, topOf(item));
    afterCommit(tx, () => bus.publish(topics.posts(), { postId: topOf(item) }));
  }

  return {
    set: ({ viewer, id, level, liked }) =>
      database.transaction(async (tx) => {
        const item = await findItem(tx, { id, level });
        await (liked ? like(tx, { item, viewer }) : unlike(tx, { item, viewer }));
        return { postId: topOf(item) };
      }),
    async toggle({ viewer, id, level }) {
      await database.transaction(async (tx) => {
        const item = await findItem(tx, { id, level });
        if (!(await unlike(tx, { item, viewer }))) await like(tx, { item, viewer });
      });
    },
  };
}
