// Look-ups that several verbs of posts share.
import { sql } from 'kysely';
import type { Database, Reader, Transaction } from '../../platform/database/database.ts';
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

/** A post and the state that a view of it shows: equal refs, equal views. */
export interface PostRef {
  id: number;
  version: number;
}

/** The post at the top of the thread: what live updates are about. */
export const topOf = (item: Pick<ThreadItem, 'id' | 'rootId'>): number => item.rootId ?? item.id;

export interface Threads {
  /**
   * Throws `not_found` when it does not exist or stands elsewhere than `level` says. Within a transaction nobody else changes
   * the thread until the transaction ends.
   */
  find(item: { within?: Transaction; id: number; level?: Level | undefined }): Promise<ThreadItem>;
  /** The viewer's own post. Throws `not_found`, or `forbidden` for somebody else's. */
  findOwnPost(post: { within?: Transaction; id: number; viewer: Viewer }): Promise<ThreadItem>;
  /** In the transaction of a change: the post's view is another one now. */
  touch(tx: Transaction, postId: number): Promise<void>;
  countChild(tx: Transaction, child: { parentId: number; by: 1 | -1 }): Promise<void>;
}

export function createThreads({ prepare, prepareWithin, dialect }: Database, now: () => number): Threads {
  const select = (db: Reader, { id }: { id: number }) =>
    db.selectFrom('posts').select(['id', 'authorId', 'parentId', 'rootId']).where('id', '=', id);
  const selectNow = prepare(select);
  const selectWithin = prepareWithin(select);
  const raiseVersion = prepareWithin((db, { id, changedAt }: { id: number; changedAt: number }) =>
    db
      .updateTable('posts')
      .set({ version: sql<number>`version + 1`, changedAt })
      .where('id', '=', id),
  );
  const addChildren = prepareWithin((db, { id, by }: { id: number; by: number }) =>
    db
      .updateTable('posts')
      .set({ childrenCount: sql<number>`children_count + ${by}` })
      .where('id', '=', id),
  );

  /** A thread is changed by one transaction at a time: what is found here stays until the end of it. */
  async function selectLocked(tx: Transaction, id: number) {
    const [row] = await selectWithin(tx, { id });
    if (!row || !(await dialect.lock(tx, `thread:${topOf(row)}`))) return row;
    return (await selectWithin(tx, { id }))[0];
  }

  const find: Threads['find'] = async ({ within, id, level }) => {
    const row = within ? await selectLocked(within, id) : (await selectNow({ id }))[0];
    if (!row) throw notFound('post');
    const item = { ...row, level: levelOf(row) };
    if (level && item.level !== level) throw notFound('post');
    return item;
  };
  return {
    find,
    async findOwnPost({ viewer, ...which }) {
      const post = await find({ ...which, level: 'post' });
      if (post.authorId !== viewer.profileId)
        throw forbidden('not_the_author', 'This post belongs to someone else.');
      return post;
    },
    async touch(tx, postId) {
      await raiseVersion(tx, { id: postId, changedAt: now() });
    },
    async countChild(tx, { parentId, by }) {
      await addChildren(tx, { id: parentId, by });
    },
  };
}

function levelOf({ parentId, rootId }: { parentId: number | null; rootId: number | null }): Level {
  if (parentId === null) return 'post';
  return parentId === rootId ? 'comment' : 'reply';
}
