// Likes of posts, comments and replies: three tables there, one here. The source keeps no date, so it is the earliest
// that it can be.
import { sql } from 'kysely';
import type { Transaction } from '../../platform/database/database.ts';
import type { Local } from './ledger.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { commentLikes, postLikes, replyLikes, type SourceTable } from './source-tables.ts';

interface Like {
  id: number;
  profile_id: number;
}

interface Likeable<Row> {
  source: SourceTable<Row>;
  table: 'Posts_post' | 'Posts_comment' | 'Posts_reply';
  noun: string;
  targetOf: (row: Row) => number;
}

export async function takeLikes(run: Run): Promise<void> {
  await take(run, {
    source: postLikes,
    table: 'Posts_post',
    noun: 'post',
    targetOf: (row) => row.post_id,
  });
  await take(run, {
    source: commentLikes,
    table: 'Posts_comment',
    noun: 'comment',
    targetOf: (row) => row.comment_id,
  });
  await take(run, {
    source: replyLikes,
    table: 'Posts_reply',
    noun: 'reply',
    targetOf: (row) => row.reply_id,
  });
}

async function take<Row extends Like>(run: Run, likeable: Likeable<Row>): Promise<void> {
  const { table, noun, targetOf } = likeable;
  await walk(run, {
    source: likeable.source,
    prepare: async () => undefined,
    async take(tx, rows) {
      const targets = await run.ledger.resolve(tx, { table, ids: rows.map(targetOf) });
      const people = await run.ledger.resolve(tx, {
        table: 'Users_profile',
        ids: rows.map((row) => row.profile_id),
      });
      const outcomes = new Map<number, Outcome>();
      const likes: { target: Local; person: Local }[] = [];
      for (const row of rows) {
        const target = targets.get(targetOf(row));
        const person = people.get(row.profile_id);
        if (target && person) {
          likes.push({ target, person });
          outcomes.set(row.id, { localId: target.id });
        } else {
          const missing = target ? `profile ${row.profile_id}` : `${noun} ${targetOf(row)}`;
          outcomes.set(row.id, { refused: `${missing} was not taken` });
        }
      }
      if (likes.length > 0) await insert(run, tx, likes);
      return outcomes;
    },
  });
}

async function insert(run: Run, tx: Transaction, likes: { target: Local; person: Local }[]): Promise<void> {
  const inserted = await tx
    .insertInto('likes')
    .values(
      likes.map(({ target, person }) => ({
        postId: target.id,
        profileId: person.id,
        createdAt: Math.max(target.createdAt, person.createdAt),
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .returning('postId')
    .execute();
  for (const [id, added] of Map.groupBy(inserted, (row) => row.postId)) {
    await tx
      .updateTable('posts')
      .set({ likesCount: sql<number>`likes_count + ${added.length}` })
      .where('id', '=', id)
      .execute();
  }
  await touchRoots(run, tx, [...new Set(inserted.map((row) => row.postId))]);
}

async function touchRoots({ database }: Run, tx: Transaction, ids: readonly number[]): Promise<void> {
  await tx
    .updateTable('posts')
    .set({ version: sql<number>`version + 1` })
    .where('id', 'in', (posts) =>
      posts
        .selectFrom('posts')
        .select((row) => row.fn.coalesce('rootId', 'id').as('id'))
        .where('id', 'in', database.dialect.anyOf(ids)),
    )
    .execute();
}
