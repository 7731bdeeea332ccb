// From what the features know to the objects of the classic wire. Nothing private passes here: e-mail addresses and
// account ids are shown to their owner alone, followers only where a profile itself was asked for.
import type { MediaView } from '../../features/media/index.ts';
import type { CommentView, PostView } from '../../features/posts/index.ts';
import type { ProfileDetail, ProfileView } from '../../features/profiles/index.ts';
import type { ClassicMedia, ClassicPost, ClassicProfile } from './schemas.ts';

const DEFAULT_PICTURE = '/media/default_profile_picture.png';
const DEFAULT_COVER = '/media/default_cover_image.png';

const shown = new WeakMap<ProfileView, ClassicProfile>();

/** A profile as part of something else; on one page the same people come again and again. */
function toProfile(view: ProfileView): ClassicProfile {
  const known = shown.get(view);
  if (known) return known;
  const profile = {
    id: view.id,
    username: view.username,
    firstname: view.firstName,
    lastname: view.lastName,
    bio: view.bio,
    email: '',
    profile_picture: pathOf(view.pictureKey) ?? DEFAULT_PICTURE,
    cover_image: pathOf(view.coverKey) ?? DEFAULT_COVER,
    created_at: toDate(view.createdAt),
    user: 0,
    followers: [],
  };
  shown.set(view, profile);
  return profile;
}

/** A profile that was asked for. */
export const toProfileDetail = (view: ProfileDetail): ClassicProfile => ({
  ...toProfile(view),
  followers: view.followerIds,
});

/** The viewer's own profile. */
export const toOwnProfile = (view: ProfileDetail & { email: string }): ClassicProfile => ({
  ...toProfileDetail(view),
  email: view.email,
  user: view.userId,
});

export function toPost(view: PostView): ClassicPost {
  const likers = new Map(view.likers.map((liker) => [liker.id, toProfile(liker)]));
  return {
    id: view.id,
    auhtor: toProfile(view.author),
    media_files: view.media.map(toMedia),
    likes: view.likerIds.map((id) => likers.get(id) ?? { id }),
    comments: view.comments.map(toComment),
    description: view.text,
    date_created: toDate(view.createdAt),
    date_modified: toDate(view.editedAt ?? view.createdAt),
  };
}

function toMedia(view: MediaView): ClassicMedia {
  return {
    id: view.id,
    filename: view.kind === 'video' ? view.label : '',
    file: pathOf(view.fileKey) ?? '',
    hls_url: view.hlsPrefix === null ? null : `/media/${view.hlsPrefix}/master.m3u8`,
    ...(view.failure !== null && { failure: view.failure }),
  };
}

function toComment(view: CommentView): ClassicPost['comments'][number] {
  return {
    id: view.id,
    author: toProfile(view.author),
    likes: view.likerIds.map((id) => ({ id })),
    replyes: view.replies.map((reply) => ({
      id: reply.id,
      likes: reply.likerIds.map((id) => ({ id })),
      author: toProfile(reply.author),
      reply: reply.text,
      pub_date: toDate(reply.createdAt),
      last_edited: toDate(reply.editedAt ?? reply.createdAt),
    })),
    comment: view.text,
    pub_date: toDate(view.createdAt),
    last_edited: toDate(view.editedAt ?? view.createdAt),
  };
}

/** Media addresses are paths: clients put the site's address in front without looking. */
const pathOf = (key: string | null): string | undefined => (key === null ? undefined : `/media/${key}`);

const toDate = (milliseconds: number): string => new Date(milliseconds).toISOString();
