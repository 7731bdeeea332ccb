// Which posts, in which order: ids only, to be given to the views.
import { sql } from 'kysely';
import type { Database } from '../../platform/database/database.ts';
import { notFound } from '../../platform/errors.ts';
import type { Viewer } from '../users/index.ts';
import { findItem } from './queries.ts';
import { prefixesOf } from './search-terms.ts';

export interface Lists {
  /** Everybody's posts, newest first. */
  newest(page: { offset: number; limit: number }): Promise<number[]>;
  /** Newest first. Throws `not_found` for an unknown profile. */
  byAuthor(list: { profileId: number; limit: number }): Promise<number[]>;
  /** Posts with a word that begins with one of the query's, best first; the newest posts for a query without words. */
  search(search: { query: string; limit: number }): Promise<number[]>;
  /** Throws `not_found` alike for an unknown post and for one of somebody else. */
  checkOwn(post: { viewer: Viewer; id: number }): Promise<void>;
}

export function createLists({ database }: { database: Database }): Lists {
  const { read, dialect } = database;
  const findNewest = database.prepare((from, { offset, limit }: { offset: number; limit: number }) =>
    from
      .selectFrom('posts')
      .select('id')
      .where('parentId', 'is', null)
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .offset(offset),
  );
  const newest: Lists['newest'] = async (page) => (await findNewest(page)).map((row) => row.id);
  return {
    newest,
    async byAuthor({ profileId, limit }) {
      const profile = await read
        .selectFrom('profiles')
        .select('id')
        .where('id', '=', profileId)
        .executeTakeFirst();
      if (!profile) throw notFound('profile');
      const rows = await read
        .selectFrom('posts')
        .select('id')
        .where('authorId', '=', profileId)
        .where('parentId', 'is', null)
        .orderBy('createdAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => row.id);
    },
    async search({ query, limit }) {
      const prefixes = prefixesOf(query);
      // Only signs that no text is indexed by: nothing can match. No word at all: everything does.
      if (prefixes.length === 0) return query.trim() === '' ? newest({ offset: 0, limit }) : [];
      const { rows } = await sql<{ id: number }>`
        select found.id from ${dialect.search.matches(prefixes)} as found
        order by found.rank, found.id desc limit ${limit}`.execute(read);
      return rows.map((row) => row.id);
    },
    async checkOwn({ viewer, id }) {
      const post = await findItem(read, { id, level: 'post' });
      if (post.authorId !== viewer.profileId) throw notFound('post');
    },
  };
}
