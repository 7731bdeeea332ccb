// Look-ups that several verbs of posts share.
import { sql } from 'kysely';
import type { Reader, Transaction } from '../../platform/database/database.ts';
import { forbidden, notFound } from '../../platform/errors.ts';
import type { Viewer } from '../users/index.ts';

/** Where something stands in a thread. */
export type Level = 'post' | 'comment' | 'reply';

export interface ThreadItem {
  id: number;
  authorId: number;
  parentId: number | null;
  rootId: number | null;
  level: Level;
}

/** Throws `not_found` when it does not exist or stands elsewhere than `level` says. */
export async function findItem(
  db: Reader,
  { id, level }: { id: number; level?: Level | undefined },
): Promise<ThreadItem> {
  const row = await db
    .selectFrom('posts')
    .select(['id', 'authorId', 'parentId', 'rootId'])
    .where('id', '=', id)
    .executeTakeFirst();
  if (!row) throw notFound('post');
  const item = { ...row, level: levelOf(row) };
  if (level && item.level !== level) throw notFound('post');
  return item;
}

/** The viewer's own post. Throws `not_found`, or `forbidden` for somebody else's. */
export async function findOwnPost(
  db: Reader,
  { id, viewer }: { id: number; viewer: Viewer },
): Promise<ThreadItem> {
  const post = await findItem(db, { id, level: 'post' });
  if (post.authorId !== viewer.profileId)
    throw forbidden('not_the_author', 'This post belongs to someone else.');
  return post;
}

/** A post and the state that a view of it shows: equal refs, equal views. */
export interface PostRef {
  id: number;
  version: number;
}

/** Says in the transaction of a change that the post's view is another one now. */
export async function touch(tx: Transaction, postId: number): Promise<void> {
  await tx
    .updateTable('posts')
    .set({ version: sql<number>`version + 1` })
    .where('id', '=', postId)
    .execute();
}

/** The post at the top of the thread: what live updates are about. */
export const topOf = (item: ThreadItem): number => item.rootId ?? item.id;

export async function countChild(
  tx: Transaction,
  { parentId, by }: { parentId: number; by: 1 | -1 },
): Promise<void> {
  await tx
    .updateTable('posts')
    .set({ childrenCount: sql<number>`children_count + ${by}` })
    .where('id', '=', parentId)
    .execute();
}

function levelOf({ parentId, rootId }: { parentId: number | null; rootId: number | null }): Level {
  if (parentId === null) return 'post';
  return parentId === rootId ? 'comment' : 'reply';
}
