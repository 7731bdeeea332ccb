// The request of each row of the table, always naming the owner where a body can name somebody.
import { asDataUrl, form } from '../support/classic-client.ts';
import { PICTURE } from './pictures.ts';
import type { People, World } from './world.ts';
import { type Row, VIEWERS, type Viewer } from './table.ts';

export interface Asked {
  path: string;
  token: string | undefined;
  headers?: Record<string, string>;
  body?: unknown;
}

export function requestFor(
  row: Pick<Row, 'method' | 'path' | 'variant'>,
  viewer: Viewer,
  world: World,
): Asked {
  const person = viewer === 'none' || viewer === 'bad' ? undefined : world.people[viewer];
  const body = BODIES[`${row.path}${row.variant && ` ${row.variant}`}`];
  // Signing out ends what asks for it, so that is a session of which no other row knows.
  const session = person && row.path.endsWith('/logout/') ? world.spares[viewer as keyof People] : person;
  const token = viewer === 'bad' ? 'decryptedAccessToken' : session?.access;
  const given = {
    path: fillPath(row, world),
    token,
    ...(['POST', 'PATCH'].includes(row.method) && { body: body?.(world, viewer) ?? {} }),
  };
  return row.path.startsWith('/api/uploads') ? { ...given, ...UPLOADS[row.method] } : given;
}

/** What requests of the uploads door have besides. */
const UPLOADS: Record<string, Omit<Asked, 'path' | 'token'>> = {
  POST: { headers: { 'tus-resumable': '1.0.0', 'upload-length': '100' }, body: undefined },
  PATCH: {
    headers: {
      ...{ 'tus-resumable': '1.0.0', 'upload-offset': '0' },
      'content-type': 'application/offset+octet-stream',
    },
    body: Buffer.from('more bytes'),
  },
  PUT: { headers: { 'content-type': 'application/octet-stream' }, body: Buffer.from('more bytes') },
};

function fillPath({ path, variant }: Pick<Row, 'path' | 'variant'>, world: World): string {
  if (path === '/media/*') return world.picturePath;
  if (path === '/assets/*' || path === '/index.html*') return '/index.html';
  if (path === '*') return '/api/posts/';
  if (path === '/api/uploads/:id/parts') return `/api/uploads/${world.wholeId}/parts?offset=50`;
  if (path === '/api/uploads/:id') return `/api/uploads/${world.wholeId}`;
  const ofPost = variant === 'comment' ? world.commentId : world.postId;
  if (path === '/api/posts/post/media/:id/') return path.replace(':id', String(world.pictureId));
  return path.replace(':id', String(path.includes('/api/users/') ? world.people.owner.id : ofPost));
}

type Body = (world: World, viewer: Viewer) => unknown;

const personOf = ({ people }: World, viewer: Viewer) =>
  people[viewer as keyof People] ?? { username: 'nobody', password: 'Wrong-Harbour-42', refresh: 'nonsense' };

let made = 0;

const BODIES: Record<string, Body> = {
  '/api/users/user/register/': (_world, viewer) => {
    made += 1;
    const name = `new${VIEWERS.indexOf(viewer)}x${made}`;
    const names = { username: name, first_name: 'New', last_name: 'Comer', email: `${name}@example.org` };
    return form({ ...names, password: 'Quiet-Harbour-41', profile_image: '' });
  },
  '/api/users/user/token/ own': (world, viewer) => {
    const { username, password } = personOf(world, viewer);
    return form({ username, password });
  },
  '/api/users/user/token/refresh/ own': (world, viewer) => ({ refresh: personOf(world, viewer).refresh }),
  '/api/users/user/delete/ wrong': () => ({ password: 'Wrong-Harbour-42' }),
  '/api/users/user/password/ wrong': () => ({
    password: 'Wrong-Harbour-42',
    new_password: 'Calm-Harbour-43',
  }),
  '/api/users/user/logout/': ({ spares: { owner } }) => ({
    accessToken: owner.access,
    refreshToken: owner.refresh,
  }),
  '/api/users/author/update/': ({ people: { owner } }) => ({
    userID: owner.id,
    bio: 'changed',
    first_name: 'Changed',
  }),
  '/api/posts/post/create/ new': ({ people: { owner } }) => ({
    authorName: owner.username,
    description: 'new',
    existingPostId: '',
  }),
  '/api/posts/post/create/ edit': ({ people: { owner }, postId }) => ({
    authorName: owner.username,
    description: 'changed',
    existingPostId: String(postId),
  }),
  '/api/posts/post/create/ detach': ({ postId, pictureId }) => ({
    description: 'a post',
    existingPostId: postId,
    deleteImages: [pictureId],
  }),
  '/api/posts/post/add/comment/': (world) => ({
    ...asOwner(world),
    postID: world.postId,
    commentContent: 'said',
  }),
  '/api/posts/post/add/reply/': (world) => ({
    ...asOwner(world),
    commentID: world.commentId,
    commentContent: 'said',
  }),
  '/api/posts/post/add/like/': (world) => ({ ...asOwner(world), postID: world.postId }),
  '/api/posts/post/add/comment/like/': (world) => ({ ...asOwner(world), commentID: world.commentId }),
  '/api/posts/post/add/reply/like/': (world) => ({ ...asOwner(world), commentID: world.replyId }),
  '/api/posts/post/add/media/image/': (world) => ({
    ...asOwner(world),
    postID: world.postId,
    imageBase64: PICTURE,
  }),
  '/api/posts/post/media/:id/': () => ({ alt: 'a harbour', focus: { x: 0.5, y: -1 } }),
  '/api/posts/post/add/media/video/': ({ uploadLabel }) =>
    form({ filename: uploadLabel, chunk: asDataUrl(Buffer.from('more bytes')) }),
  '/api/posts/post/add/media/video/finalize/': ({ postId, uploadId }) => ({
    postID: postId,
    videoID: uploadId,
  }),
  // The upload is on no post yet.
  '/api/posts/post/add/media/video/retry/': ({ postId, uploadId }) => ({ postID: postId, videoID: uploadId }),
  '/api/posts/post/add/media/video/captions/': ({ postId, uploadId }) => ({
    ...{ postID: postId, videoID: uploadId, language: 'en' },
    vtt: 'WEBVTT\n\n00:00.000 --> 00:01.000\nwords\n',
  }),
  '/api/posts/post/add/media/video/captions/remove/': ({ postId, uploadId }) => ({
    ...{ postID: postId, videoID: uploadId, id: 'none' },
  }),
  '/api/posts/post/add/media/video/finalize/ own': ({ ownPosts, uploadId }, viewer) => ({
    postID: ownPosts[viewer as keyof People] ?? ownPosts.owner,
    videoID: uploadId,
  }),
};

const asOwner = ({ people: { owner } }: World) => ({
  author: owner.id,
  authorID: owner.id,
  authorName: owner.username,
});
