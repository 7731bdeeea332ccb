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

/** A post of a list that is in the order of time, the newest first. */
export interface ListedPost extends PostRef {
  /** Epoch ms. */
  createdAt: number;
}

/** A place in such a list: right behind a post, whether that is there any more or not. */
export type Place = Pick<ListedPost, 'id' | 'createdAt'>;

/** Before all that there is. */
export const BEGINNING: Place = { createdAt: Number.MAX_SAFE_INTEGER, id: Number.MAX_SAFE_INTEGER };

/** Posts behind a place. */
export const listBehind = (from: Reader, { createdAt, id, limit }: Place & { limit: number }) =>
  from
    .selectFrom('posts')
    .select(['posts.id', 'posts.version', 'posts.createdAt'])
    .where('posts.parentId', 'is', null)
    .where(({ eb, refTuple, tuple }) =>
      eb(refTuple('posts.createdAt', 'posts.id'), '<', tuple(createdAt, id)),
    )
    .orderBy('posts.createdAt', 'desc')
    .orderBy('posts.id', 'desc')
    .limit(limit);

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
  /** The same of a change that is counted, at the post or below it. */
  count(tx: Transaction, change: Counted): Promise<void>;
}

interface Counted {
  /** What was liked or answered. */
  id: number;
  /** The post at the top. */
  postId: number;
  likes?: 1 | -1;
  children?: 1 | -1;
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
  type Counts = { id: number; likes: number; children: number };
  const addCounts = prepareWithin((db, { id, likes, children }: Counts) =>
    db.updateTable('posts').set(counts({ likes, children })).where('id', '=', id),
  );
  /** In one statement with the version: a row of PostgreSQL is written anew at each change. */
  const addCountsAndRaise = prepareWithin(
    (db, { id, likes, children, changedAt }: Counts & { changedAt: number }) =>
      db
        .updateTable('posts')
        .set({ ...counts({ likes, children }), version: sql<number>`version + 1`, changedAt })
        .where('id', '=', id),
  );

  /** A thread is changed by one transaction at a time: what is found here stays until the end of it. */
  async function selectLocked(tx: Transaction, { id, level }: { id: number; level?: Level | undefined }) {
    // A post is the top of its own thread; of anything else the thread has to be found first.
    if (level === 'post') await dialect.lock(tx, `thread:${id}`);
    const [row] = await selectWithin(tx, { id });
    if (level === 'post' || !row || !(await dialect.lock(tx, `thread:${topOf(row)}`))) return row;
    return (await selectWithin(tx, { id }))[0];
  }

  const find: Threads['find'] = async ({ within, id, level }) => {
    const row = within ? await selectLocked(within, { id, level }) : (await selectNow({ id }))[0];
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
    async count(tx, { id, postId, likes = 0, children = 0 }) {
      const change = { id, likes, children };
      if (id === postId) return void (await addCountsAndRaise(tx, { ...change, changedAt: now() }));
      await addCounts(tx, change);
      await raiseVersion(tx, { id: postId, changedAt: now() });
    },
  };
}

const counts = ({ likes, children }: { likes: number; children: number }) => ({
  likesCount: sql<number>`likes_count + ${likes}`,
  childrenCount: sql<number>`children_count + ${children}`,
});

function levelOf({ parentId, rootId }: { parentId: number | null; rootId: number | null }): Level {
  if (parentId === null) return 'post';
  return parentId === rootId ? 'comment' : 'reply';
}
