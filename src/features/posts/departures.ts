// Somebody leaves for good. What they said, liked, followed and began to upload is taken back by the verbs that anybody takes something
// back by, a transaction each, so that counts stay true and nothing is held up; the account goes last. Cut off, it is done again.
import type { Database } from '../../platform/database/database.ts';
import { DomainError, notFound } from '../../platform/errors.ts';
import type { Media } from '../media/index.ts';
import type { Profiles } from '../profiles/index.ts';
import { usernameKey, type Users, type Viewer } from '../users/index.ts';
import type { Likes } from './likes.ts';
import type { Writing } from './writing.ts';

export interface Departures {
  /** Throws `not_found`. */
  remove(user: { username: string }): Promise<void>;
}

interface DeparturesOptions {
  database: Database;
  users: Users;
  profiles: Profiles;
  media: Media;
  writing: Writing;
  likes: Likes;
}

/** Looked up at a time. */
const SOME = 200;

export function createDepartures(options: DeparturesOptions): Departures {
  const { database, users, profiles, media, writing, likes } = options;
  const { read } = database;

  async function takeBackWords(viewer: Viewer): Promise<void> {
    const own = () =>
      read.selectFrom('posts').select('id').where('authorId', '=', viewer.profileId).limit(SOME).execute();
    // Of a post that is gone the comments are as well.
    await untilNone(own, ({ id }) => writing.remove({ viewer, id }).catch(unlessGone));
    const liked = () =>
      read
        .selectFrom('likes')
        .select('postId')
        .where('profileId', '=', viewer.profileId)
        .limit(SOME)
        .execute();
    await untilNone(liked, ({ postId }) => likes.set({ viewer, id: postId, liked: false }).catch(unlessGone));
  }

  async function endFollowing(viewer: Viewer): Promise<void> {
    const { profileId } = viewer;
    const pairs = () =>
      read
        .selectFrom('follows')
        .select(['followerId', 'followedId'])
        .where((where) =>
          where.or([where('followerId', '=', profileId), where('followedId', '=', profileId)]),
        )
        .limit(SOME)
        .execute();
    await untilNone(pairs, ({ followerId, followedId }) =>
      profiles.follows
        .set({ viewer: { ...viewer, profileId: followerId }, profileId: followedId, following: false })
        .catch(unlessGone),
    );
  }

  async function giveUpUploads(viewer: Viewer): Promise<void> {
    const open = await read
      .selectFrom('uploads')
      .select('draftKey')
      .where('ownerId', '=', viewer.profileId)
      .where('finishedAt', 'is', null)
      .execute();
    // What has expired the sweep takes.
    for (const { draftKey: id } of open) await media.resources.remove({ viewer, id }).catch(unlessGone);
  }

  return {
    async remove({ username }) {
      const account = await read
        .selectFrom('users')
        .innerJoin('profiles', 'profiles.userId', 'users.id')
        .select(['users.id as userId', 'profiles.id as profileId'])
        .where('usernameKey', '=', usernameKey(username))
        .executeTakeFirst();
      if (!account) throw notFound('user');
      // Nothing more comes from them.
      await users.accounts.setSuspended({ username, suspended: true });
      const viewer: Viewer = { ...account, sessionId: 0, role: 'user' };
      await takeBackWords(viewer);
      await endFollowing(viewer);
      await giveUpUploads(viewer);
      await profiles.remove(account);
    },
  };
}

async function untilNone<Row>(
  find: () => Promise<Row[]>,
  work: (row: Row) => Promise<unknown>,
): Promise<void> {
  for (let rows = await find(); rows.length > 0; rows = await find()) for (const row of rows) await work(row);
}

function unlessGone(error: unknown): void {
  if (!(error instanceof DomainError) || error.kind !== 'not_found') throw error;
}
