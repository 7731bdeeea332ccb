// Profiles as others see them, many at a time. An e-mail address is only ever in the view of one's own.
import type { Database } from '../../platform/database/database.ts';
import { notFound } from '../../platform/errors.ts';
import {
  type PictureFacts,
  readFacts,
  readRenditions,
  type Rendition,
} from '../../platform/pictures/facts.ts';
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
  /** Of the picture at `pictureKey`. */
  pictureRenditions: Rendition[];
  followersCount: number;
  followingCount: number;
  createdAt: number;
}

export interface ProfileDetail extends ProfileView {
  /** What the default pictures have not. */
  picture: PictureFacts | undefined;
  cover: PictureFacts | undefined;
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
  'pictures.renditions',
] as const;

export function createProfileViews({ database }: { database: Database }): ProfileViews {
  const { prepare, dialect } = database;
  const find = prepare((from, { ids }: { ids: readonly number[] }) =>
    from
      .selectFrom('profiles')
      .innerJoin('users', 'users.id', 'profiles.userId')
      .leftJoin('pictures', 'pictures.key', 'profiles.pictureKey')
      .select(columns)
      .where(dialect.isOneOf('profiles.id', ids)),
  );
  const view = ({ renditions, ...row }: Found<typeof find>): ProfileView => ({
    ...row,
    pictureRenditions: readRenditions(renditions),
  });
  const findPictures = prepare((from, { picture, cover }: { picture: string | null; cover: string | null }) =>
    from.selectFrom('pictures').selectAll().where('key', 'in', [picture, cover]),
  );
  const findNewestFollowers = prepare((from, { id, most }: { id: number; most: number }) =>
    from
      .selectFrom('follows')
      .select('followerId')
      .where('followedId', '=', id)
      .orderBy('createdAt', 'desc')
      .orderBy('followerId', 'desc')
      .limit(most),
  );
  const findFollower = prepare((from, { id, followerId }: { id: number; followerId: number }) =>
    from
      .selectFrom('follows')
      .select('followerId')
      .where('followedId', '=', id)
      .where('followerId', '=', followerId),
  );
  const findEmail = prepare((from, { userId }: { userId: number }) =>
    from.selectFrom('users').select('email').where('id', '=', userId),
  );
  const detail: ProfileViews['detail'] = async ({ id, viewer }) => {
    const [profile] = await find({ ids: [id] });
    if (!profile) throw notFound('profile');
    const own = await findFollower({ id, followerId: viewer.profileId });
    const newest = await findNewestFollowers({ id, most: FOLLOWERS_LISTED });
    const followerIds = new Set([...own, ...newest].map((row) => row.followerId));
    const pictures = await findPictures({ picture: profile.pictureKey, cover: profile.coverKey });
    const factsOf = (key: string | null): PictureFacts | undefined => {
      const row = pictures.find((picture) => picture.key === key);
      return row && readFacts(row);
    };
    return {
      ...view(profile),
      picture: factsOf(profile.pictureKey),
      cover: factsOf(profile.coverKey),
      followerIds: [...followerIds].slice(0, FOLLOWERS_LISTED),
    };
  };
  return {
    async byId(ids) {
      const rows = await find({ ids: [...new Set(ids)] });
      return new Map(rows.map((row) => [row.id, view(row)]));
    },
    detail,
    async own(viewer) {
      const profile = await detail({ id: viewer.profileId, viewer });
      const [user] = await findEmail({ userId: viewer.userId });
      if (!user) throw notFound('profile');
      return { ...profile, email: user.email };
    },
  };
}

type Found<Find extends (...given: never[]) => Promise<unknown[]>> = Awaited<ReturnType<Find>>[number];
