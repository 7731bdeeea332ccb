// Somebody leaves for good. What they said, liked, followed and began to upload is taken back by the verbs that anybody takes something
// back by, a transaction each, so that counts stay true and nothing is held up; the account goes last. Cut off, it is done again.
import { z } from 'zod';
import type { Database } from '../../platform/database/database.ts';
import { DomainError, notFound } from '../../platform/errors.ts';
import { defineJob, type Jobs } from '../../platform/jobs/jobs.ts';
import { handle, type Lane } from '../../platform/jobs/worker.ts';
import type { Media } from '../media/index.ts';
import type { Profiles } from '../profiles/index.ts';
import { usernameKey, type Users, type Viewer } from '../users/index.ts';
import type { Likes } from './likes.ts';
import type { Writing } from './writing.ts';

export interface Departures {
  /**
   * The viewer's own account: nobody is signed in with it any more when this resolves, and all that was theirs goes soon.
   * Throws `invalid` by field (`password`), `rate_limited`.
   */
  leave(leaving: { viewer: Viewer; password: string }): Promise<void>;
  /** Resolves when nothing is left. Throws `not_found`. */
  remove(user: { username: string }): Promise<void>;
  /** The kinds of jobs that this does. */
  readonly lane: Lane;
}

/** Called off when the operator lets the account in again: it is not suspended since then any more. */
const departureJob = defineJob('departure', {
  schema: z.object({ userId: z.int(), suspendedAt: z.int() }),
});
/** Whoever was told that all of theirs goes cannot ask for it again: it is begun anew for as long as it takes. */
const BEGUN_ANEW_MS = 3_600_000;

interface DeparturesOptions {
  database: Database;
  jobs: Jobs;
  users: Users;
  profiles: Profiles;
  media: Media;
  writing: Writing;
  likes: Likes;
  now: () => number;
}

/** Looked up at a time. */
const SOME = 200;

export function createDepartures(options: DeparturesOptions): Departures {
  const { database, jobs, users, profiles, media, writing, likes, now } = options;
  const { read } = database;

  async function takeBackWords(viewer: Viewer, signal?: AbortSignal): Promise<void> {
    const own = () =>
      read.selectFrom('posts').select('id').where('authorId', '=', viewer.profileId).limit(SOME).execute();
    // Of a post that is gone the comments are as well.
    await untilNone(own, ({ id }) => writing.remove({ viewer, id }).catch(unlessGone), signal);
    const liked = () =>
      read
        .selectFrom('likes')
        .select('postId')
        .where('profileId', '=', viewer.profileId)
        .limit(SOME)
        .execute();
    await untilNone(
      liked,
      ({ postId }) => likes.set({ viewer, id: postId, liked: false }).catch(unlessGone),
      signal,
    );
  }

  async function endFollowing(viewer: Viewer, signal?: AbortSignal): Promise<void> {
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
    await untilNone(
      pairs,
      ({ followerId, followedId }) =>
        profiles.follows
          .set({ viewer: { ...viewer, profileId: followerId }, profileId: followedId, following: false })
          .catch(unlessGone),
      signal,
    );
  }

  async function giveUpUploads(viewer: Viewer): Promise<void> {
    const open = await read
      .selectFrom('uploads')
      .select('draftKey')
      .where('ownerId', '=', viewer.profileId)
      .where('finishedAt', 'is', null)
      .execute();
    // Of what has expired the row goes with the profile, and the bytes go with what no row names.
    for (const { draftKey: id } of open) await media.resources.remove({ viewer, id }).catch(unlessGone);
  }

  /** Of who is suspended already: nothing more comes from them. */
  async function takeBackAll(
    account: { userId: number; profileId: number },
    signal?: AbortSignal,
  ): Promise<void> {
    const viewer: Viewer = { ...account, sessionId: 0, role: 'user' };
    await takeBackWords(viewer, signal);
    await giveUpUploads(viewer);
    do await endFollowing(viewer, signal);
    while (!(await profiles.remove(account)));
  }

  const findAccount = () =>
    read
      .selectFrom('users')
      .innerJoin('profiles', 'profiles.userId', 'users.id')
      .select(['users.id as userId', 'profiles.id as profileId']);
  return {
    async leave({ viewer, password }) {
      const { userId } = viewer;
      const passwordHash = await users.passwords.check({ viewer, present: password });
      await database.transaction(async (tx) => {
        const suspendedAt = await users.accounts.suspendOwn(tx, { userId, passwordHash });
        await jobs.enqueue(tx, departureJob, { payload: { userId, suspendedAt } });
      });
    },

    async remove({ username }) {
      const account = await findAccount().where('usernameKey', '=', usernameKey(username)).executeTakeFirst();
      if (!account) throw notFound('user');
      await users.accounts.setSuspended({ username, suspended: true });
      await takeBackAll(account);
    },

    lane: {
      name: 'departures',
      concurrency: 1,
      registrations: [
        handle(
          departureJob,
          async ({ payload: { userId, suspendedAt }, signal }) => {
            const account = await findAccount()
              .where('users.id', '=', userId)
              .where('users.suspendedAt', '=', suspendedAt)
              .executeTakeFirst();
            if (account) await takeBackAll(account, signal);
          },
          (tx, { payload }) => jobs.enqueue(tx, departureJob, { payload, runAt: now() + BEGUN_ANEW_MS }),
        ),
      ],
    },
  };
}

async function untilNone<Row>(
  find: () => Promise<Row[]>,
  work: (row: Row) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  for (let rows = await find(); rows.length > 0; rows = await find()) {
    for (const row of rows) {
      signal?.throwIfAborted();
      await work(row);
    }
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof DomainError) || error.kind !== 'not_found') throw error;
}
