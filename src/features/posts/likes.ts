// Likes on posts, comments and replies: one row per pair, the counter changed with it and only when a row was.
import { afterCommit, type Database, type Transaction } from '../../platform/database/database.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import type { Viewer } from '../users/index.ts';
import { createThreads, type Level, type ThreadItem, topOf } from './queries.ts';

interface Target {
  viewer: Viewer;
  id: number;
  /** Asks that it be of this level; anything else is not found. */
  level?: Level;
}

interface Pair {
  item: ThreadItem;
  viewer: Viewer;
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
  const threads = createThreads(database, now);
  const insert = database.prepareWithin((db, row: { postId: number; profileId: number; createdAt: number }) =>
    db
      .insertInto('likes')
      .values({ postId: row.postId, profileId: row.profileId, createdAt: row.createdAt })
      .onConflict((conflict) => conflict.doNothing())
      .returning('postId'),
  );
  const remove = database.prepareWithin((db, row: { postId: number; profileId: number }) =>
    db
      .deleteFrom('likes')
      .where('postId', '=', row.postId)
      .where('profileId', '=', row.profileId)
      .returning('postId'),
  );

  async function like(tx: Transaction, { item, viewer }: Pair): Promise<boolean> {
    const row = { postId: item.id, profileId: viewer.profileId, createdAt: now() };
    const isNew = (await insert(tx, row)).length > 0;
    if (isNew) await changed(tx, { item, by: 1 });
    return isNew;
  }

  async function unlike(tx: Transaction, { item, viewer }: Pair): Promise<boolean> {
    const was = (await remove(tx, { postId: item.id, profileId: viewer.profileId })).length > 0;
    if (was) await changed(tx, { item, by: -1 });
    return was;
  }

  async function changed(tx: Transaction, { item, by }: { item: ThreadItem; by: 1 | -1 }): Promise<void> {
    const postId = topOf(item);
    await threads.count(tx, { id: item.id, postId, likes: by });
    afterCommit(tx, () => bus.publish(topics.posts(), { postId }));
  }

  return {
    set: ({ viewer, id, level, liked }) =>
      database.transaction(async (tx) => {
        const item = await threads.find({ within: tx, id, level });
        await (liked ? like(tx, { item, viewer }) : unlike(tx, { item, viewer }));
        return { postId: topOf(item) };
      }),
    async toggle({ viewer, id, level }) {
      await database.transaction(async (tx) => {
        const item = await threads.find({ within: tx, id, level });
        if (!(await unlike(tx, { item, viewer }))) await like(tx, { item, viewer });
      });
    },
  };
}
