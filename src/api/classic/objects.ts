// From what the features know to the objects of the classic wire. Nothing private passes here: e-mail addresses and
// account ids are shown to their owner alone, followers only where a profile itself was asked for.
import type { CaptionTrack, MediaView, VideoView } from '../../features/media/index.ts';
import type { CommentView, PostView } from '../../features/posts/index.ts';
import type { ProfileDetail, ProfileView } from '../../features/profiles/index.ts';
import type { Viewer } from '../../features/users/index.ts';
import type { PictureFacts, Rendition } from '../../platform/pictures/facts.ts';
import type { ClassicCaptions, ClassicMedia, ClassicPost, ClassicProfile, ClassicSource } from './schemas.ts';

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
    // The smallest: nested profiles are shown small.
    ...(view.pictureRenditions.length > 0 && {
      profile_picture_sources: view.pictureRenditions.slice(0, 1).map(toSource),
    }),
  };
  shown.set(view, profile);
  return profile;
}

/** A profile that was asked for. */
export const toProfileDetail = (view: ProfileDetail): ClassicProfile => ({
  ...toProfile(view),
  followers: view.followerIds,
  ...(view.picture && {
    profile_picture_sources: view.picture.renditions.map(toSource),
    profile_picture_alt: view.picture.alt,
    profile_picture_blurhash: view.picture.blurhash ?? undefined,
  }),
  ...(view.cover && {
    cover_image_sources: view.cover.renditions.map(toSource),
    cover_image_alt: view.cover.alt,
    cover_image_focus: view.cover.focus,
    cover_image_blurhash: view.cover.blurhash ?? undefined,
  }),
});

/** The viewer's own profile. */
export const toOwnProfile = (
  view: ProfileDetail & { email: string },
  { role }: Pick<Viewer, 'role'>,
): ClassicProfile => ({
  ...toProfileDetail(view),
  email: view.email,
  user: view.userId,
  ...(role === 'admin' && { is_admin: true }),
});

export function toPost(view: PostView): ClassicPost {
  const { created, edited } = toDates(view);
  const likers = new Map(view.likers.map((liker) => [liker.id, toProfile(liker)]));
  return {
    id: view.id,
    auhtor: toProfile(view.author),
    media_files: view.media.map(toMedia),
    likes: view.likerIds.map((id) => likers.get(id) ?? { id }),
    comments: view.comments.map(toComment),
    description: view.text,
    date_created: created,
    date_modified: edited,
  };
}

export function toMedia(view: MediaView): ClassicMedia {
  return {
    id: view.id,
    filename: view.kind === 'video' ? view.label : '',
    file: pathOf(view.fileKey) ?? '',
    hls_url: view.hlsPrefix === null ? null : `/media/${view.hlsPrefix}/master.m3u8`,
    ...(view.failure !== null && { failure: view.failure }),
    ...(view.width !== null && view.height !== null && { width: view.width, height: view.height }),
    ...(view.picture && describe(view.picture)),
    ...(view.video && toVideo(view.video)),
  };
}

const describe = ({ alt, blurhash, focus, renditions }: PictureFacts): Partial<ClassicMedia> => ({
  ...(blurhash !== null && { blurhash }),
  ...{ alt, focus, sources: renditions.map(toSource) },
});

const toSource = ({ key, ...rendition }: Rendition): ClassicSource => ({
  url: `/media/${key}`,
  ...rendition,
});

function toVideo(video: VideoView): Partial<ClassicMedia> {
  const { state, sizes, captions, progress } = video;
  const [poster, storyboard] = [pathOf(video.posterKey), pathOf(video.storyboardKey)];
  return {
    state,
    ...(sizes.length > 0 && { sizes }),
    ...(poster !== undefined && { poster }),
    ...(storyboard !== undefined && { storyboard }),
    ...(captions.length > 0 && { captions: captions.map(toCaptions) }),
    ...(progress && { progress: { step: progress.step, renditions: toRenditions(progress.percents) } }),
  };
}

export const toCaptions = ({ id, language, label, key }: CaptionTrack): ClassicCaptions => ({
  ...{ id, language, label, file: `/media/${key}` },
});

const toRenditions = (percents: Record<string, number>): { name: string; percent: number }[] =>
  Object.entries(percents).map(([name, percent]) => ({ name, percent }));

function toComment(view: CommentView): ClassicPost['comments'][number] {
  const { created, edited } = toDates(view);
  return {
    id: view.id,
    author: toProfile(view.author),
    likes: view.likerIds.map((id) => ({ id })),
    replyes: view.replies.map(toReply),
    comment: view.text,
    pub_date: created,
    last_edited: edited,
  };
}

function toReply(view: CommentView['replies'][number]): ClassicPost['comments'][number]['replyes'][number] {
  const { created, edited } = toDates(view);
  return {
    id: view.id,
    likes: view.likerIds.map((id) => ({ id })),
    author: toProfile(view.author),
    reply: view.text,
    pub_date: created,
    last_edited: edited,
  };
}

/** Media addresses are paths: clients put the site's address in front without looking. */
const pathOf = (key: string | null): string | undefined => (key === null ? undefined : `/media/${key}`);

const toDate = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** What was never edited counts as edited when it was made. */
function toDates(said: { createdAt: number; editedAt: number | null }): { created: string; edited: string } {
  const created = toDate(said.createdAt);
  return { created, edited: said.editedAt === null ? created : toDate(said.editedAt) };
}
