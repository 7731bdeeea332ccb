// Posts with everything that hangs on them, many at a time, in a constant number of queries (five, whatever the page holds).
// The view is the same for every viewer.
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
  /** Oldest first; at most 1,000 comments and replies per post, the newest. */
  comments: CommentView[];
}

export interface CommentView extends Said {
  replies: Said[];
}

export interface PostViews {
  /** In the order of `ids`; those that do not exist (any more) are absent, as are comments and replies. */
  byId(ids: readonly number[]): Promise<PostView[]>;
}

const LIKERS_SHOWN = 5;
const LIKES_LISTED = 5_000;
const THREAD_LISTED = 1_000;

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
  return {
    async byId(ids) {
      if (ids.length === 0) return [];
      const posts = await findPosts({ ids });
      const postIds = posts.map((row) => row.id);
      if (postIds.length === 0) return [];
      const thread = await findThread({ postIds, most: THREAD_LISTED });
      const likes = groupLikes(
        await findLikes({ ids: [...posts, ...thread].map((row) => row.id), most: LIKES_LISTED }),
      );
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
    read
      .selectFrom('posts')
      .select(columns)
      .where('id', 'in', dialect.anyOf(ids))
      .where('parentId', 'is', null),
  );

/** Comments and replies of these posts, oldest first. */
const prepareThread = ({ prepare, dialect }: Database) =>
  prepare((read, { postIds, most }: { postIds: readonly number[]; most: number }) =>
    read
      .selectFrom((from) =>
        from
          .selectFrom('posts')
          .select(columns)
          .select(
            sql<number>`row_number() over (partition by root_id order by created_at desc, id desc)`.as(
              'place',
            ),
          )
          .where('rootId', 'in', dialect.anyOf(postIds))
          .as('thread'),
      )
      .select(columns)
      .where('place', '<=', most)
      .orderBy('createdAt')
      .orderBy('id'),
  );

const prepareLikes = ({ prepare, dialect }: Database) =>
  prepare((read, { ids, most }: { ids: readonly number[]; most: number }) =>
    read
      .selectFrom((from) =>
        from
          .selectFrom('likes')
          .select(['postId', 'profileId'])
          .select(sql<number>`row_number() over (partition by post_id order by profile_id)`.as('place'))
          .where('postId', 'in', dialect.anyOf(ids))
          .as('listed'),
      )
      .select(['postId', 'profileId'])
      .where('place', '<=', most)
      .orderBy('postId')
      .orderBy('profileId'),
  );

function groupLikes(rows: readonly { postId: number; profileId: number }[]): Map<number, number[]> {
  const byPost = new Map<number, number[]>();
  for (const { postId, profileId } of rows) {
    const list = byPost.get(postId);
    if (list) list.push(profileId);
    else byPost.set(postId, [profileId]);
  }
  return byPost;
}
