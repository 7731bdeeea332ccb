// What the requests of the table are about: people, and things of the owner's.
import { createHash } from 'node:crypto';
import { call, form, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import type { App } from '../../src/app.ts';
import type { TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';
import { PICTURE } from './pictures.ts';
import type { Viewer } from './table.ts';

export type People = Record<Exclude<Viewer, 'none' | 'bad'>, Person>;

/** Everybody signed in; the suspended one has a token of before. */
export async function invite({ base, app }: TestServer): Promise<People> {
  const [other, owner, suspended] = [await join(base), await join(base), await join(base)];
  await app.users.accounts.setSuspended({ username: suspended.username, suspended: true });
  const password = 'Quiet-Harbour-41';
  const account = { username: 'keeper', firstName: 'Ada', lastName: 'Ray', email: 'keeper@example.org' };
  const { profileId } = await app.profiles.signUp({
    form: { ...account, password },
    role: 'admin',
    address: 'test',
  });
  const tokens = await signIn(base, { username: 'keeper', password });
  return { other, owner, suspended, admin: { username: 'keeper', password, id: profileId, ...tokens } };
}

const signIn = async (
  base: string,
  credentials: { username: string; password: string },
): Promise<{ access: string; refresh: string }> =>
  (await call(base, '/api/users/user/token/', { body: form(credentials) })).json;

/** Things of the owner's, and a post of each of the others'. */
export interface World {
  people: People;
  postId: number;
  commentId: number;
  replyId: number;
  pictureId: number;
  /** Address of the picture. */
  picturePath: string;
  uploadId: number;
  uploadLabel: string;
  /** Id of an upload that was begun with a length of 100, and has nothing yet. */
  wholeId: string;
  /** Sessions of which nothing else hangs. */
  spares: Record<keyof People, { access: string; refresh: string }>;
  ownPosts: Record<keyof People, number>;
}

let worlds = 0;

export async function makeWorld({ app, base, dataDir }: TestServer, people: People): Promise<World> {
  worlds += 1;
  const { owner, other, admin } = people;
  const token = owner.access;
  const send = (path: string, body: object) => call(base, `/api/posts/post/add/${path}/`, { token, body });
  // oxlint-disable-next-line typescript/no-explicit-any
  const read = async (): Promise<any> => (await call(base, `/api/posts/post/${postId}/`)).json;
  const postId = await say(base, owner, 'a post');
  await send('comment', { postID: postId, commentContent: 'a comment' });
  const commentId: number = (await read()).comments[0].id;
  await send('reply', { commentID: commentId, commentContent: 'a reply' });
  await send('media/image', { postID: postId, imageBase64: PICTURE });
  const post = await read();
  // Fifty may be open.
  await ask(dataDir, FORGET_UPLOADS, owner.id);
  const uploadLabel = `7-owner-11/22/2026, 4:15:56 PM-${worlds}-clip.mp4`;
  const upload = await sendChunk(base, owner, { filename: uploadLabel, bytes: LAME_VIDEO });
  const whole = await call(base, '/api/uploads', { token, body: { length: 100 } });
  const ownPosts = {
    owner: postId,
    other: await say(base, other, 'of the other'),
    admin: await say(base, admin, 'of the admin'),
    suspended: postId,
  };
  return {
    ...{ people, postId, commentId, ownPosts, uploadLabel },
    replyId: post.comments[0].replyes[0].id,
    pictureId: post.media_files[0].id,
    picturePath: post.media_files[0].file,
    uploadId: upload.json.id,
    wholeId: whole.json.id,
    spares: await startSpares(app, people),
  };
}

async function startSpares(app: App, people: People): Promise<World['spares']> {
  const users = new Map((await app.users.accounts.list()).map(({ username, id }) => [username, id]));
  const start = (who: keyof People) => app.users.sessions.start(users.get(people[who].username) ?? 0);
  const [other, owner, admin, suspended] = [
    await start('other'),
    await start('owner'),
    await start('admin'),
    await start('suspended'),
  ];
  return { other, owner, admin, suspended };
}

const FORGET_UPLOADS =
  'delete from media where id in (select media_id from uploads where finished_at is null and owner_id = ?)';

/** Begins as every MP4 does, and says nothing. */
const LAME_VIDEO = Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex');

const OF_PROFILE = {
  profiles: 'select id, user_id, bio, picture_key, cover_key from profiles where id = ?',
  users: 'select u.* from users u join profiles p on p.user_id = u.id where p.id = ?',
  sessions: 'select s.* from sessions s join profiles p on p.user_id = s.user_id where p.id = ?',
  posts: 'select id, parent_id, root_id, text, edited_at from posts where author_id = ?',
  likes: 'select * from likes where profile_id = ?',
  follows: 'select * from follows where follower_id = ?',
  media: 'select * from media where owner_id = ?',
  uploads: 'select * from uploads where owner_id = ?',
  upload_parts: 'select p.* from upload_parts p join uploads u on u.id = p.upload_id where u.owner_id = ?',
};

/** Everything that is somebody's own; what others may count (likes, followers, answers) left out. */
export async function readOwn(dataDir: string, profileId: number): Promise<Record<string, unknown[]>> {
  const own: Record<string, unknown[]> = {};
  for (const [name, sql] of Object.entries(OF_PROFILE))
    own[name] = await ask(dataDir, `${sql} order by 1, 2`, profileId);
  return own;
}

/** A fingerprint of all that people's requests can change. */
export async function readAll(dataDir: string): Promise<string> {
  const tables: unknown[][] = [];
  for (const name of Object.keys(OF_PROFILE))
    tables.push(await ask(dataDir, `select * from ${name} order by 1, 2`));
  return createHash('sha256').update(JSON.stringify(tables)).digest('hex');
}
