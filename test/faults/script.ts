// Every request of the classic wire that writes, each ready to be sent again and again.
import sharp from 'sharp';
import {
  type Answer,
  asDataUrl,
  call,
  form,
  join,
  type Person,
  say,
  sendChunk,
} from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import type { TestServer } from '../support/servers.ts';

export interface Step {
  name: string;
  /** Sets the scene and answers the request. */
  prepare(): Promise<() => Promise<Answer>>;
  /** Does more after its commit, so that a failure may follow a success. */
  goesOn?: true;
}

export async function createScript({ base, app }: TestServer): Promise<Step[]> {
  const [ann, ben] = [await join(base), await join(base)];
  const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();
  const imageBase64 = asDataUrl(picture, 'image/png');
  let made = 0;
  const next = (): number => (made += 1);
  const userId = (await app.users.accounts.list()).find(({ username }) => username === ann.username)?.id ?? 0;
  const send = (path: string, body: object, { access }: Person = ann): Promise<Answer> =>
    call(base, `/api/${path}`, { token: access, body });
  const get = (path: string): Promise<Answer> => call(base, `/api/${path}`, { token: ann.access });

  async function makeThread(): Promise<{
    postId: number;
    commentId: number;
    replyId: number;
    mediaId: number;
  }> {
    const postId = await say(base, ann, `post ${next()}`);
    await send('posts/post/add/comment/', { postID: postId, commentContent: 'a comment' }, ben);
    const commentId: number = (await get(`posts/post/${postId}/`)).json.comments[0].id;
    await send('posts/post/add/reply/', { commentID: commentId, commentContent: 'a reply' }, ben);
    await send('posts/post/add/like/', { postID: postId }, ben);
    await send('posts/post/add/media/image/', { postID: postId, imageBase64 });
    const post = (await get(`posts/post/${postId}/`)).json;
    return {
      ...{ postId, commentId },
      replyId: post.comments[0].replyes[0].id,
      mediaId: post.media_files[0].id,
    };
  }
  async function beginUpload(): Promise<{ filename: string; mediaId: number }> {
    const filename = `7-ann-11/22/2026, 4:15:56 PM-${next()}-clip.mp4`;
    const { json } = await sendChunk(base, ann, { filename, bytes: makeFile(1_000) });
    return { filename, mediaId: json.id };
  }

  const thread = await makeThread();
  const startSession = async () => ({ ...ann, ...(await app.users.sessions.start(userId)) });
  const always = (name: string, request: () => Promise<Answer>): Step => ({
    name,
    prepare: async () => request,
  });
  return [
    {
      name: 'a sign-up with a picture',
      async prepare() {
        const username = `new${next()}`;
        const names = { username, first_name: 'New', last_name: 'Comer', email: `${username}@example.org` };
        const body = { ...names, password: 'Quiet-Harbour-41', profile_image: imageBase64 };
        return () => call(base, '/api/users/user/register/', { body: form(body) });
      },
    },
    always('a sign-in', () =>
      call(base, '/api/users/user/token/', {
        body: form({ username: ann.username, password: ann.password }),
      }),
    ),
    {
      name: 'a refresh',
      async prepare() {
        const { refresh } = await startSession();
        return () => call(base, '/api/users/user/token/refresh/', { body: { refresh } });
      },
    },
    {
      name: 'a sign-out',
      async prepare() {
        const session = await startSession();
        return () => send('users/user/logout/', { refreshToken: session.refresh }, session);
      },
    },
    always('a post', () => send('posts/post/create/', { description: 'new words', existingPostId: '' })),
    {
      name: 'an edit that takes a picture away',
      async prepare() {
        const { postId, mediaId } = await makeThread();
        const change = { description: 'other words', existingPostId: postId, deleteImages: [mediaId] };
        return () => send('posts/post/create/', change);
      },
    },
    {
      name: 'the deletion of a post with all that hangs on it',
      async prepare() {
        const { postId } = await makeThread();
        return () => get(`posts/post/delete/${postId}/`);
      },
    },
    {
      name: 'the deletion of a comment',
      async prepare() {
        const { commentId } = await makeThread();
        return () => call(base, `/api/posts/post/${commentId}/`, { method: 'DELETE', token: ben.access });
      },
    },
    always('a comment', () =>
      send('posts/post/add/comment/', { postID: thread.postId, commentContent: 'more' }),
    ),
    always('a reply', () =>
      send('posts/post/add/reply/', { commentID: thread.commentId, commentContent: 'more' }),
    ),
    always('a like, or its end', () => send('posts/post/add/like/', { postID: thread.postId })),
    always('a like on a comment', () =>
      send('posts/post/add/comment/like/', { commentID: thread.commentId }),
    ),
    always('a like on a reply', () => send('posts/post/add/reply/like/', { commentID: thread.replyId })),
    { ...always('a follow, or its end', () => get(`users/user/follower/add/${ben.id}/`)), goesOn: true },
    {
      ...always('a new picture and name of a profile', () =>
        send('users/author/update/', { profile_image: imageBase64, first_name: `Ann ${next()}` }),
      ),
      goesOn: true,
    },
    {
      name: 'a picture on a post',
      async prepare() {
        const postID = await say(base, ann, 'with a picture');
        return () => send('posts/post/add/media/image/', { postID, imageBase64 });
      },
    },
    {
      name: 'the first piece of a video',
      async prepare() {
        const piece = { filename: `first ${next()}.mp4`, bytes: makeFile(1_000) };
        return () => sendChunk(base, ann, piece);
      },
    },
    {
      name: 'another piece of a video',
      async prepare() {
        const { filename } = await beginUpload();
        const piece = { filename, bytes: makeFile(2_000), fields: { offset: '1000' } };
        return () => sendChunk(base, ann, piece);
      },
    },
    {
      name: 'the end of a video',
      goesOn: true,
      async prepare() {
        const [postID, { mediaId }] = [await say(base, ann, 'with a video'), await beginUpload()];
        return () => send('posts/post/add/media/video/finalize/', { postID, videoID: mediaId });
      },
    },
  ];
}
