// Posts, with the ids that links to them have. Texts stay as they are, however long; they are found by search at once.
import { termsOf } from '../posts/index.ts';
import { type Outcome, type Run, walk } from './pass.ts';
import { posts } from './source-tables.ts';

export async function takePosts(run: Run): Promise<void> {
  const { anyOf, search } = run.database.dialect;
  await walk(run, {
    source: posts,
    prepare: async () => undefined,
    async take(tx, rows) {
      const authors = await run.ledger.resolve(tx, {
        table: 'Users_profile',
        ids: rows.map((row) => row.auhtor_id),
      });
      const ids = rows.map((row) => row.id);
      const used = await tx.selectFrom('posts').select('id').where('id', 'in', anyOf(ids)).execute();
      const usedIds = new Set(used.map((row) => row.id));
      const outcomes = new Map<number, Outcome>();
      for (const { id, auhtor_id, description, date_created, date_modified } of rows) {
        const author = authors.get(auhtor_id);
        if (!author) {
          outcomes.set(id, { refused: `its author, profile ${auhtor_id}, was not taken` });
          continue;
        }
        if (usedIds.has(id)) {
          outcomes.set(id, { refused: 'its id belongs to something else here' });
          continue;
        }
        const text = description ?? '';
        await tx
          .insertInto('posts')
          .values({
            id,
            authorId: author.id,
            parentId: null,
            rootId: null,
            text,
            createdAt: date_created,
            editedAt: editedAt(date_created, date_modified),
          })
          .execute();
        await search.index(tx, id, termsOf(text));
        outcomes.set(id, { localId: id });
      }
      return outcomes;
    },
  });
}

/** Saving for the first time already sets the two dates apart, by microseconds. */
export function editedAt(created: number, modified: number): number | null {
  return modified - created >= 100 ? modified : null;
}
