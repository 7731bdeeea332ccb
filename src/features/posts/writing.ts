// Saying something and taking it back: posts, comments on them, replies to comments.
import { afterCommit, type Database, type Transaction } from '../../platform/database/database.ts';
import { forbidden } from '../../platform/errors.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import type { Media } from '../media/index.ts';
import type { Viewer } from '../users/index.ts';
import { createThreads, topOf } from './queries.ts';
import { termsOf } from './search-terms.ts';
import { checkText } from './texts.ts';

export interface Writing {
  /** Answers the new post's id. Throws `invalid` for a bad text. */
  create(post: { viewer: Viewer; text: string }): Promise<number>;
  /** Replaces the text and takes the given media off. Throws `not_found`, `forbidden` or `invalid`. */
  edit(change: {
    viewer: Viewer;
    id: number;
    text: string;
    removeMediaIds: readonly number[];
  }): Promise<void>;
  /** Throws `not_found` when `postId` is no post. */
  comment(comment: { viewer: Viewer; postId: number; text: string }): Promise<number>;
  /** Throws `not_found` when `commentId` is no comment. */
  reply(reply: { viewer: Viewer; commentId: number; text: string }): Promise<number>;
  /** Removes one's own post, comment or reply, and an admin anybody's, with all that hangs on it. Throws `not_found` or `forbidden`. */
  remove(target: { viewer: Viewer; id: number }): Promise<void>;
}

interface WritingOptions {
  database: Database;
  bus: Bus;
  media: Media;
  limits: { postCharacters: number; commentCharacters: number };
  now: () => number;
}

export function createWriting({ database, bus, media, limits, now }: WritingOptions): Writing {
  const { search } = database.dialect;
  const threads = createThreads(database, now);
  const insertRow = database.prepareWithin(
    (
      db,
      row: {
        authorId: number;
        parentId: number | null;
        rootId: number | null;
        text: string;
        createdAt: number;
      },
    ) =>
      db
        .insertInto('posts')
        .values({
          authorId: row.authorId,
          parentId: row.parentId,
          rootId: row.rootId,
          text: row.text,
          createdAt: row.createdAt,
          editedAt: null,
        })
        .returning('id'),
  );

  const tellAuthorship = (tx: Transaction, postId: number): void =>
    afterCommit(tx, () => bus.publish(topics.authorship(), { postId }));

  async function respond({
    viewer,
    parentId,
    level,
    text,
  }: {
    viewer: Viewer;
    parentId: number;
    level: 'post' | 'comment';
    text: string;
  }): Promise<number> {
    checkText(text, limits.commentCharacters);
    return database.transaction(async (tx) => {
      const parent = await threads.find({ within: tx, id: parentId, level });
      const rootId = topOf(parent);
      const id = await insert(tx, { authorId: viewer.profileId, parentId, rootId, text });
      await threads.count(tx, { id: parentId, postId: rootId, children: 1 });
      afterCommit(tx, () => bus.publish(topics.posts(), { postId: rootId }));
      return id;
    });
  }

  async function insert(
    tx: Transaction,
    row: { authorId: number; parentId: number | null; rootId: number | null; text: string },
  ): Promise<number> {
    const [inserted] = await insertRow(tx, { ...row, createdAt: now() });
    if (!inserted) throw new Error('an insert answered no row');
    return inserted.id;
  }

  return {
    async create({ viewer, text }) {
      checkText(text, limits.postCharacters);
      return database.transaction(async (tx) => {
        const id = await insert(tx, { authorId: viewer.profileId, parentId: null, rootId: null, text });
        await search.index(tx, id, termsOf(text));
        tellAuthorship(tx, id);
        return id;
      });
    },

    async edit({ viewer, id, text, removeMediaIds }) {
      checkText(text, limits.postCharacters);
      await database.transaction(async (tx) => {
        await threads.findOwnPost({ within: tx, id, viewer });
        await tx.updateTable('posts').set({ text, editedAt: now() }).where('id', '=', id).execute();
        await media.attachments.remove(tx, { postIds: [id], mediaIds: removeMediaIds });
        await search.index(tx, id, termsOf(text));
        await threads.touch(tx, id);
        tellAuthorship(tx, id);
      });
    },

    comment: ({ viewer, postId, text }) => respond({ viewer, parentId: postId, level: 'post', text }),
    reply: ({ viewer, commentId, text }) => respond({ viewer, parentId: commentId, level: 'comment', text }),

    async remove({ viewer, id }) {
      await database.transaction(async (tx) => {
        const item = await threads.find({ within: tx, id });
        if (item.authorId !== viewer.profileId && viewer.role !== 'admin')
          throw forbidden('not_the_author', 'This post belongs to someone else.');
        if (item.level === 'post') {
          await media.attachments.remove(tx, { postIds: [id] });
          await search.remove(tx, [id]);
        }
        // Comments, replies and likes go with it by their foreign keys.
        await tx.deleteFrom('posts').where('id', '=', id).execute();
        if (item.parentId === null) return tellAuthorship(tx, id);
        const postId = topOf(item);
        await threads.count(tx, { id: item.parentId, postId, children: -1 });
        afterCommit(tx, () => bus.publish(topics.posts(), { postId }));
      });
    },
  };
}
