// Profiles as others see them, many at a time. An e-mail address is only ever in the view of one's own.
import type { Database, Reader } from '../../platform/database/database.ts';
import { notFound } from '../../platform/errors.ts';
import type { Viewer } from '../users/index.ts';

export interface ProfileView {
  id: number;
  userId: number;
  username: string;
  firstName: string;
  lastName: string;
  bio: string;
  /** Blob keys; null shows the default. */
  pictureKey: string | null;
  coverKey: string | null;
  followersCount: number;
  followingCount: number;
  createdAt: number;
}

export interface ProfileDetail extends ProfileView {
  /** Profile ids, the newest follower first; the viewer's own is always there if they follow. At most 5,000. */
  followerIds: number[];
}

export interface ProfileViews {
  /** By id; unknown ids are absent. */
  byId(ids: Iterable<number>): Promise<Map<number, ProfileView>>;
  /** Throws `not_found`. */
  detail(options: { id: number; viewer: Viewer }): Promise<ProfileDetail>;
  own(viewer: Viewer): Promise<ProfileDetail & { email: string }>;
}

const FOLLOWERS_LISTED = 5_000;

const columns = [
  'profiles.id',
  'profiles.userId',
  'users.username',
  'users.firstName',
  'users.lastName',
  'profiles.bio',
  'profiles.pictureKey',
  'profiles.coverKey',
  'profiles.followersCount',
  'profiles.followingCount',
  'profiles.createdAt',
] as const;

export function createProfileViews({ database }: { database: Database }): ProfileViews {
  const { read, dialect } = database;
  const find = database.prepare((from, { ids }: { ids: readonly number[] }) =>
    from
      .selectFrom('profiles')
      .innerJoin('users', 'users.id', 'profiles.userId')
      .select(columns)
      .where('profiles.id', 'in', dialect.anyOf(ids)),
  );
  const detail: ProfileViews['detail'] = async ({ id, viewer }) => {
    const profile = await read
      .selectFrom('profiles')
      .innerJoin('users', 'users.id', 'profiles.userId')
      .select(columns)
      .where('profiles.id', '=', id)
      .executeTakeFirst();
    if (!profile) throw notFound('profile');
    return { ...profile, followerIds: await listFollowers(read, { id, viewerId: viewer.profileId }) };
  };
  return {
    async byId(ids) {
      const rows = await find({ ids: [...new Set(ids)] });
      return new Map(rows.map((row) => [row.id, row]));
    },
    detail,
    async own(viewer) {
      const profile = await detail({ id: viewer.profileId, viewer });
      const { email } = await read
        .selectFrom('users')
        .select('email')
        .where('id', '=', viewer.userId)
        .executeTakeFirstOrThrow();
      return { ...profile, email };
    },
  };
}

async function listFollowers(
  read: Reader,
  { id, viewerId }: { id: number; viewerId: number },
): Promise<number[]> {
  const rows = await read
    .selectFrom('follows')
    .select('followerId')
    .where('followedId', '=', id)
    .orderBy((order) => order.case().when('followerId', '=', viewerId).then(0).else(1).end())
    .orderBy('createdAt', 'desc')
    .limit(FOLLOWERS_LISTED)
    .execute();
  return rows.map((row) => row.followerId);
}
