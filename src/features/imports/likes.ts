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
      for (const row of rows) {
        const target = targets.get(targetOf(row));
        const person = people.get(row.profile_id);
        if (target && person) {
          await insert(tx, { target, person });
          outcomes.set(row.id, { localId: target.id });
        } else {
          const missing = target ? `profile ${row.profile_id}` : `${noun} ${targetOf(row)}`;
          outcomes.set(row.id, { refused: `${missing} was not taken` });
        }
      }
      return outcomes;
    },
  });
}

async function insert(tx: Transaction, { target, person }: { target: Local; person: Local }): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('likes')
    .values({
      postId: target.id,
      profileId: person.id,
      createdAt: Math.max(target.createdAt, person.createdAt),
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (!numInsertedOrUpdatedRows) return;
  await tx
    .updateTable('posts')
    .set({ likesCount: sql<number>`likes_count + 1` })
    .where('id', '=', target.id)
    .execute();
  await tx
    .updateTable('posts')
    .set({ version: sql<number>`version + 1` })
    .where('id', '=', sql<number>`(select coalesce(root_id, id) from posts where id = ${target.id})`)
    .execute();
}
