// Which posts, in which order: refs only, to be given to the views.
import { sql } from 'kysely';
import type { Database } from '../../platform/database/database.ts';
import { notFound } from '../../platform/errors.ts';
import type { Viewer } from '../users/index.ts';
import { createThreads, type PostRef } from './queries.ts';
import { prefixesOf } from './search-terms.ts';

export interface Lists {
  /** Everybody's posts, newest first. */
  newest(page: { offset: number; limit: number }): Promise<PostRef[]>;
  /** Newest first. Throws `not_found` for an unknown profile. */
  byAuthor(list: { profileId: number; limit: number }): Promise<PostRef[]>;
  /** Posts with a word that begins with one of the query's, best first; the newest posts for a query without words. */
  search(search: { query: string; limit: number }): Promise<PostRef[]>;
  /** Undefined when there is no such post. */
  find(id: number): Promise<PostRef | undefined>;
  /** Throws `not_found` alike for an unknown post and for one of somebody else. */
  checkOwn(post: { viewer: Viewer; id: number }): Promise<void>;
}

/** Matches that are ranked: the newest. */
const RANKED = 2_000;

export function createLists({ database }: { database: Database }): Lists {
  const { read, dialect } = database;
  const threads = createThreads(database);
  const findNewest = database.prepare((from, { offset, limit }: { offset: number; limit: number }) =>
    from
      .selectFrom('posts')
      .select(['id', 'version'])
      .where('parentId', 'is', null)
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit)
      .offset(offset),
  );
  const findByAuthor = database.prepare((from, { profileId, limit }: { profileId: number; limit: number }) =>
    from
      .selectFrom('posts')
      .select(['id', 'version'])
      .where('authorId', '=', profileId)
      .where('parentId', 'is', null)
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .limit(limit),
  );
  const findOne = database.prepare((from, { id }: { id: number }) =>
    from.selectFrom('posts').select(['id', 'version']).where('id', '=', id).where('parentId', 'is', null),
  );
  return {
    newest: findNewest,
    find: async (id) => (await findOne({ id }))[0],
    async byAuthor({ profileId, limit }) {
      const profile = await read
        .selectFrom('profiles')
        .select('id')
        .where('id', '=', profileId)
        .executeTakeFirst();
      if (!profile) throw notFound('profile');
      return findByAuthor({ profileId, limit });
    },
    async search({ query, limit }) {
      const prefixes = prefixesOf(query);
      // Only signs that no text is indexed by: nothing can match. No word at all: everything does.
      if (prefixes.length === 0) return query.trim() === '' ? findNewest({ offset: 0, limit }) : [];
      const { rows } = await sql<PostRef>`
        select posts.id, posts.version from ${dialect.search.matches(prefixes, RANKED)} as found
        inner join posts on posts.id = found.id
        order by found.rank, found.id desc limit ${limit}`.execute(read);
      return rows;
    },
    async checkOwn({ viewer, id }) {
      const post = await threads.find({ id, level: 'post' });
      if (post.authorId !== viewer.profileId) throw notFound('post');
    },
  };
}
