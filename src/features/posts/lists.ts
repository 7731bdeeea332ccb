// Which posts, in which order: refs only, to be given to the views.
import { sql } from 'kysely';
import type { Database } from '../../platform/database/database.ts';
import { notFound } from '../../platform/errors.ts';
import type { Viewer } from '../users/index.ts';
import { findFollowed } from './followed.ts';
import {
  BEGINNING,
  createThreads,
  type ListedPost,
  listBehind,
  type Place,
  type PostRef,
} from './queries.ts';
import { prefixesOf } from './search-terms.ts';

export interface Lists {
  /** Everybody's posts, newest first: those behind a place, after `offset` more of them. */
  newest(page: { behind?: Place | undefined; offset?: number; limit: number }): Promise<ListedPost[]>;
  /** Newest first. Throws `not_found` for an unknown profile. */
  byAuthor(list: { profileId: number; behind?: Place | undefined; limit: number }): Promise<ListedPost[]>;
  /** Those of the people whom the viewer follows, and the viewer's own, newest first. */
  followed(list: { viewer: Viewer; behind?: Place | undefined; limit: number }): Promise<ListedPost[]>;
  /** Posts with a word that begins with one of the query's, those with more of them first, then the newest; the newest posts for a query without words. */
  search(search: { query: string; limit: number }): Promise<PostRef[]>;
  /** Changed at `time` (epoch ms, by the clock of whoever changed it) or later: the newest 1,000, the newest change first. */
  changedSince(time: number): Promise<PostRef[]>;
  /** Created at `time` or later: the newest 1,000, the newest first. */
  createdSince(time: number): Promise<PostRef[]>;
  /** Undefined when there is no such post. */
  find(id: number): Promise<PostRef | undefined>;
  /** Throws `not_found` alike for an unknown post and for one of somebody else. */
  checkOwn(post: { viewer: Viewer; id: number }): Promise<void>;
}

/** Posts that are looked at for each word: the newest. */
const LOOKED_AT = 2_000;
const MOST_CHANGED = 1_000;

export function createLists({ database, now }: { database: Database; now: () => number }): Lists {
  const { read, dialect } = database;
  const threads = createThreads(database, now);
  const findNewest = database.prepare((from, page: Place & { offset: number; limit: number }) =>
    listBehind(from, page).offset(page.offset),
  );
  const findByAuthor = database.prepare((from, page: Place & { profileId: number; limit: number }) =>
    listBehind(from, page).where('authorId', '=', page.profileId),
  );
  const findOne = database.prepare((from, { id }: { id: number }) =>
    from.selectFrom('posts').select(['id', 'version']).where('id', '=', id).where('parentId', 'is', null),
  );
  const findChanged = database.prepare((from, { time, limit }: { time: number; limit: number }) =>
    from
      .selectFrom('posts')
      .select(['id', 'version'])
      .where('parentId', 'is', null)
      .where('changedAt', '>=', time)
      .orderBy('changedAt', 'desc')
      .limit(limit),
  );
  const findCreated = database.prepare((from, { time, limit }: { time: number; limit: number }) =>
    listBehind(from, { ...BEGINNING, limit }).where('createdAt', '>=', time),
  );
  return {
    newest: ({ behind = BEGINNING, offset = 0, limit }) =>
      findNewest({ createdAt: behind.createdAt, id: behind.id, offset, limit }),
    followed: ({ viewer, behind = BEGINNING, limit }) =>
      findFollowed(read, { profileId: viewer.profileId, behind, limit }),
    changedSince: (time) => findChanged({ time, limit: MOST_CHANGED }),
    createdSince: (time) => findCreated({ time, limit: MOST_CHANGED }),
    find: async (id) => (await findOne({ id }))[0],
    async byAuthor({ profileId, behind = BEGINNING, limit }) {
      const profile = await read
        .selectFrom('profiles')
        .select('id')
        .where('id', '=', profileId)
        .executeTakeFirst();
      if (!profile) throw notFound('profile');
      return findByAuthor({ profileId, createdAt: behind.createdAt, id: behind.id, limit });
    },
    async search({ query, limit }) {
      const prefixes = prefixesOf(query);
      // Only signs that no text is indexed by: nothing can match. No word at all: everything does.
      if (prefixes.length === 0)
        return query.trim() === '' ? findNewest({ ...BEGINNING, offset: 0, limit }) : [];
      // With a single word all that are found match alike.
      const found = dialect.search.matches(prefixes, prefixes.length === 1 ? limit : LOOKED_AT);
      const { rows } = await sql<PostRef>`
        select posts.id, posts.version
        from (select id, matched from ${found} as found order by matched desc, id desc limit ${limit}) as best
        inner join posts on posts.id = best.id
        order by best.matched desc, best.id desc`.execute(read);
      return rows;
    },
    async checkOwn({ viewer, id }) {
      const post = await threads.find({ id, level: 'post' });
      if (post.authorId !== viewer.profileId) throw notFound('post');
    },
  };
}
