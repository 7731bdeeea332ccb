// Posts with everything that hangs on them, many at a time, in a constant number of queries: five, and one more for likes and for
// each post where there is very much. The view is the same for every viewer.
import { sql } from 'kysely';
import type { Database } from '../../platform/database/database.ts';
import type { Media, MediaView } from '../media/index.ts';
import type { Profiles, ProfileView } from '../profiles/index.ts';

interface Said {
  id: number;
  author: ProfileView;
  text: string;
  createdAt: number;
  editedAt: number | null;
  /** Ids of the profiles that like it, in ascending order; at most 5,000. */
  likerIds: number[];
}

export interface PostView extends Said {
  media: MediaView[];
  /** The first few of `likerIds`. */
  likers: ProfileView[];
  /** Oldest first; at most 1,000 comments and replies per post, the newest, of 262,144 characters in all. */
  comments: CommentView[];
}

export interface CommentView extends Said {
  replies: Said[];
}

export interface PostViews {
  /** In the order of `ids`; those that do not exist (any more) are absent, as are comments and replies. */
  byId(ids: readonly number[]): Promise<PostView[]>;
  /** Whether so much was said there that the views of all of them are better not held at once. */
  areLong(ids: readonly number[]): Promise<boolean>;
}

const LIKERS_SHOWN = 5;
const LIKES_LISTED = 5_000;
const THREAD_LISTED = 1_000;
const THREAD_CHARACTERS = 262_144;
/** Of posts whose views are held at once: some ten mebibytes, when they are written out in the longest way. */
const HELD_CHARACTERS = 2_097_152;

interface Row {
  id: number;
  authorId: number;
  parentId: number | null;
  rootId: number | null;
  text: string;
  createdAt: number;
  editedAt: number | null;
}

export function createPostViews(options: {
  database: Database;
  media: Media;
  profiles: Profiles;
}): PostViews {
  const { database, media, profiles } = options;
  const findPosts = preparePosts(database);
  const findThread = prepareThread(database);
  const findLikes = prepareLikes(database);
  const measure = prepareMeasure(database);
  return {
    async areLong(ids) {
      const [said] = await measure({ ids, most: THREAD_LISTED + 1 });
      if (!said) return false;
      return said.texts - ids.length > THREAD_LISTED || said.characters > HELD_CHARACTERS;
    },
    async byId(ids) {
      if (ids.length === 0) return [];
      const posts = await findPosts({ ids });
      const postIds = posts.map((row) => row.id);
      if (postIds.length === 0) return [];
      const thread = await findThread(postIds);
      const likes = groupLikes(await findLikes([...posts, ...thread].map((row) => row.id)));
      const mediaOf = await media.views.byPost(postIds);
      const shownLikers = (id: number): number[] => (likes.get(id) ?? []).slice(0, LIKERS_SHOWN);
      const people = await profiles.views.byId(
        [...posts, ...thread].map((row) => row.authorId).concat(postIds.flatMap(shownLikers)),
      );

      const say = (row: Row): Said[] => {
        const author = people.get(row.authorId);
        if (!author) return [];
        const { id, text, createdAt, editedAt } = row;
        return [{ id, author, text, createdAt, editedAt, likerIds: likes.get(id) ?? [] }];
      };
      const children = Map.groupBy(thread, (row) => row.parentId ?? 0);
      const below = (id: number): Row[] => children.get(id) ?? [];
      const views = posts.flatMap(say).map((post) => ({
        ...post,
        media: mediaOf.get(post.id) ?? [],
        likers: shownLikers(post.id).flatMap((id) => people.get(id) ?? []),
        comments: below(post.id)
          .flatMap(say)
          .map((comment) => ({ ...comment, replies: below(comment.id).flatMap(say) })),
      }));
      const order = new Map(ids.map((id, index) => [id, index]));
      return views.sort((a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0));
    },
  };
}

const columns = ['id', 'authorId', 'parentId', 'rootId', 'text', 'createdAt', 'editedAt'] as const;

const preparePosts = ({ prepare, dialect }: Database) =>
  prepare((read, { ids }: { ids: readonly number[] }) =>
    read.selectFrom('posts').select(columns).where(dialect.isOneOf('id', ids)).where('parentId', 'is', null),
  );

type Bounded = { ids: readonly number[]; most: number };

/** Comments and replies of these posts, the oldest of each first: in the order of their index, which ends a long one at the limit. */
function prepareThread({ prepare, dialect }: Database): (postIds: readonly number[]) => Promise<Row[]> {
  const findAll = prepare((read, { ids, most }: Bounded) =>
    read
      .selectFrom('posts')
      .select(columns)
      .where(dialect.isOneOf('rootId', ids))
      .orderBy('rootId')
      .orderBy('createdAt')
      .orderBy('id')
      .limit(most),
  );
  const findNewest = prepare((read, { id, most }: { id: number; most: number }) =>
    read
      .selectFrom('posts')
      .select(columns)
      .where('rootId', '=', id)
      .orderBy('createdAt', 'desc')
      .orderBy('id', 'desc')
      .limit(most),
  );
  return async (postIds) => {
    const rows = await findAll({ ids: postIds, most: THREAD_LISTED + 1 });
    if (rows.length <= THREAD_LISTED && takeWithin(rows).length === rows.length) return rows;
    const threads: Row[] = [];
    for (const id of postIds)
      threads.push(...takeWithin(await findNewest({ id, most: THREAD_LISTED })).toReversed());
    return threads;
  };
}

/** How many texts there are, posts and what hangs on them, and their length; of what hangs on them `most` are looked at. */
const prepareMeasure = ({ prepare, dialect }: Database) =>
  prepare((read, { ids, most }: Bounded) =>
    read
      .selectFrom(
        read
          .selectFrom('posts')
          .select(({ fn }) => fn<number>('length', ['text']).as('length'))
          .where(dialect.isOneOf('id', ids))
          .unionAll(
            read
              .selectFrom((thread) =>
                thread
                  .selectFrom('posts')
                  .select('text')
                  .where(dialect.isOneOf('rootId', ids))
                  .limit(most)
                  .as('thread'),
              )
              .select(({ fn }) => fn<number>('length', ['text']).as('length')),
          )
          .as('listed'),
      )
      .select(({ fn }) => [
        fn.countAll<number>().as('texts'),
        fn.coalesce(fn.sum<number>('length'), sql<number>`0`).as('characters'),
      ]),
  );

/** The first of them that have no more characters than a thread shows; one, however long it is. */
function takeWithin(rows: readonly Row[]): readonly Row[] {
  let characters = 0;
  const end = rows.findIndex(({ text }) => (characters += text.length) > THREAD_CHARACTERS);
  return end === -1 ? rows : rows.slice(0, Math.max(1, end));
}

interface LikeRow {
  postId: number;
  profileId: number;
}

/** Likes of these posts, comments and replies, by post and then by profile. */
function prepareLikes({ prepare, dialect }: Database): (ids: readonly number[]) => Promise<LikeRow[]> {
  const findAll = prepare((read, { ids, most }: Bounded) =>
    read
      .selectFrom('likes')
      .select(['postId', 'profileId'])
      .where(dialect.isOneOf('postId', ids))
      .orderBy('postId')
      .orderBy('profileId')
      .limit(most),
  );
  // Up to the last one that is listed, so that the likes after it are not gone through.
  const findFirst = prepare((read, { ids, most }: Bounded) =>
    read
      .with(
        (name) => name('ends').materialized(),
        (from) =>
          from
            .selectFrom('posts')
            .select('posts.id')
            .select((outer) =>
              outer
                .selectFrom((inner) =>
                  inner
                    .selectFrom('likes')
                    .select('likes.profileId')
                    .whereRef('likes.postId', '=', 'posts.id')
                    .orderBy('likes.profileId')
                    .limit(most)
                    .as('listed'),
                )
                .select(({ fn }) => fn.max('listed.profileId').as('last'))
                .as('last'),
            )
            .where(dialect.isOneOf('posts.id', ids)),
      )
      .selectFrom('ends')
      .innerJoin('likes', (join) =>
        join.onRef('likes.postId', '=', 'ends.id').onRef('likes.profileId', '<=', 'ends.last'),
      )
      .select(['likes.postId', 'likes.profileId'])
      .orderBy('likes.postId')
      .orderBy('likes.profileId'),
  );
  return boundEach({ findAll, findSome: findFirst, most: LIKES_LISTED });
}

/** Bounding what each of many has costs more than the rows; it is done where there are more than a single one may have. */
function boundEach<Found>({
  findAll,
  findSome,
  most,
}: {
  findAll: (bounded: Bounded) => Promise<Found[]>;
  findSome: (bounded: Bounded) => Promise<Found[]>;
  most: number;
}): (ids: readonly number[]) => Promise<Found[]> {
  return async (ids) => {
    const rows = await findAll({ ids, most: most + 1 });
    return rows.length > most ? findSome({ ids, most }) : rows;
  };
}

function groupLikes(rows: readonly LikeRow[]): Map<number, number[]> {
  const byPost = new Map<number, number[]>();
  for (const { postId, profileId } of rows) {
    const list = byPost.get(postId);
    if (list) list.push(profileId);
    else byPost.set(postId, [profileId]);
  }
  return byPost;
}
