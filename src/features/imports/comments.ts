// Comments and replies. In the source they count by themselves, here they share the ids of posts, so they get new ones,
// above all that are kept. What they hang on is said by a table of links of its own.
import { sql } from 'kysely';
import type { Transaction } from '../../platform/database/database.ts';
import type { Local } from './ledger.ts';
import { findFirstLinks, type FirstLink, type Link, takeLinks } from './links.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { editedAt } from './posts.ts';
import { commentReplies, comments, postComments, replies, type SourceTable } from './source-tables.ts';

const commentsOfPosts: Link = {
  source: postComments,
  child: { table: 'Posts_comment', column: 'comment_id', noun: 'comment' },
  parent: { table: 'Posts_post', column: 'post_id', noun: 'post' },
};
const repliesOfComments: Link = {
  source: commentReplies,
  child: { table: 'Posts_reply', column: 'reply_id', noun: 'reply' },
  parent: { table: 'Posts_comment', column: 'comment_id', noun: 'comment' },
};

interface Said {
  id: number;
  author_id: number;
  pub_date: number;
  last_edited: number;
}

export const takeComments = (run: Run): Promise<void> =>
  takeSaid(run, { source: comments, link: commentsOfPosts, textOf: (row) => row.comment });

export const takeReplies = (run: Run): Promise<void> =>
  takeSaid(run, { source: replies, link: repliesOfComments, textOf: (row) => row.reply });

async function takeSaid<Row extends Said>(
  run: Run,
  level: { source: SourceTable<Row>; link: Link; textOf: (row: Row) => string },
): Promise<void> {
  const { link, textOf } = level;
  await walk(run, {
    source: level.source,
    prepare: (rows) => findFirstLinks(run, { link, ids: rows.map((row) => row.id) }),
    async take(tx, rows, links) {
      const places = await findPlaces(run, tx, { link, links });
      const authors = await run.ledger.resolve(tx, {
        table: 'Users_profile',
        ids: rows.map((row) => row.author_id),
      });
      const outcomes = new Map<number, Outcome>();
      for (const row of rows) {
        const place = places.get(row.id);
        const author = authors.get(row.author_id);
        if (!place || !author) {
          outcomes.set(row.id, {
            refused: place ? `its author, profile ${row.author_id}, was not taken` : explain(row.id),
          });
          continue;
        }
        outcomes.set(row.id, { localId: await insert(tx, { row, place, author, text: textOf(row) }) });
      }
      return outcomes;

      function explain(id: number): string {
        const parent = links.get(id)?.parentId;
        const { noun } = link.parent;
        return parent === undefined ? `no ${noun} refers to it` : `its ${noun} ${parent} was not taken`;
      }
    },
  });
  await takeLinks(run, link);
}

/** Where something hangs: our ids. */
interface Place {
  parentId: number;
  rootId: number;
}

/** By the id in the source, for those whose parent was taken. */
async function findPlaces(
  { database, ledger }: Run,
  tx: Transaction,
  { link, links }: { link: Link; links: Map<number, FirstLink> },
): Promise<Map<number, Place>> {
  const parents = await ledger.resolve(tx, {
    table: link.parent.table,
    ids: [...links.values()].map(({ parentId }) => parentId),
  });
  if (parents.size === 0) return new Map();
  const rows = await tx
    .selectFrom('posts')
    .select(['id', 'rootId'])
    .where('id', 'in', database.dialect.anyOf([...parents.values()].map(({ id }) => id)))
    .execute();
  const roots = new Map(rows.map((row) => [row.id, row.rootId ?? row.id]));
  return new Map(
    [...links].flatMap(([id, { parentId }]): [number, Place][] => {
      const parent = parents.get(parentId);
      return parent ? [[id, { parentId: parent.id, rootId: roots.get(parent.id) ?? parent.id }]] : [];
    }),
  );
}

async function insert(
  tx: Transaction,
  { row, place, author, text }: { row: Said; place: Place; author: Local; text: string },
): Promise<number> {
  const { id } = await tx
    .insertInto('posts')
    .values({
      ...place,
      authorId: author.id,
      text,
      createdAt: row.pub_date,
      editedAt: editedAt(row.pub_date, row.last_edited),
    })
    .returning('id')
    .executeTakeFirstOrThrow();
  await tx
    .updateTable('posts')
    .set({ childrenCount: sql<number>`children_count + 1` })
    .where('id', '=', place.parentId)
    .execute();
  await tx
    .updateTable('posts')
    .set({ version: sql<number>`version + 1` })
    .where('id', '=', place.rootId)
    .execute();
  return id;
}
