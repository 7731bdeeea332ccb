// Whose something is decides who may change it; where it stands decides what can be done with it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { insertPerson } from '../../../test/support/databases.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { topics } from '../../platform/realtime/topics.ts';
import type { Viewer } from '../users/index.ts';
import { type Attaching, createAttaching } from './attaching.ts';
import { createLikes, type Likes } from './likes.ts';
import { createWriting, type Writing } from './writing.ts';

const FORBIDDEN = { kind: 'forbidden', code: 'not_the_author' };
const NOT_FOUND = { kind: 'not_found', code: 'post_not_found' };
const NOWHERE = 999;

let opened: TestMedia;
let writing: Writing;
let likes: Likes;
let attaching: Attaching;
let ann: Viewer;
let bob: Viewer;
/** By ann, by bob, by ann again. */
let post: number;
let comment: number;
let reply: number;
let told: number[];
let picture: Buffer;

beforeEach(async () => {
  opened = await openTestMedia();
  const { database, bus, media, ann: owner, queue } = opened;
  const limits = { postCharacters: 100, commentCharacters: 50 };
  writing = createWriting({ database, bus, media, limits, now: queue.now });
  likes = createLikes({ database, bus, now: queue.now });
  attaching = createAttaching({ database, bus, media, now: queue.now });
  ann = owner;
  bob = { ...(await insertPerson(database, 'bob')), sessionId: 2, role: 'user' };
  post = await writing.create({ viewer: ann, text: 'a post' });
  comment = await writing.comment({ viewer: bob, postId: post, text: 'a comment' });
  reply = await writing.reply({ viewer: ann, commentId: comment, text: 'a reply' });
  told = [];
  bus.subscribe(topics.posts(), ({ postId }) => void told.push(postId));
  const create = { width: 4, height: 4, channels: 3 as const, background: 'teal' };
  picture = await sharp({ create }).png().toBuffer();
});
afterEach(() => opened[Symbol.asyncDispose]());

const rows = () => opened.database.read.selectFrom('posts').selectAll().orderBy('id').execute();
const terms = async (): Promise<number[]> => {
  const { read, dialect } = opened.database;
  const found = dialect.search.matches(['a', 'other'], 100).as('found');
  return (await read.selectFrom(found).select('id').orderBy('id').execute()).map(({ id }) => id);
};
const edit = (viewer: Viewer, id: number, change: { text?: string; removeMediaIds?: number[] } = {}) =>
  writing.edit({ viewer, id, text: 'other words', removeMediaIds: [], ...change });
const row = async (id: number) => (await rows()).find((one) => one.id === id);

async function upload(viewer: Viewer, label = 'clip.mp4'): Promise<number> {
  const content = Buffer.from('000000206674797069736f6d0000020069736f6d69736f32617663316d703431', 'hex');
  return (await opened.media.uploads.append({ viewer, label, content, connection: 'a' })).mediaId;
}

describe('a post', () => {
  test('is edited by its author alone', async () => {
    await expect(edit(bob, post)).rejects.toMatchObject(FORBIDDEN);
    await expect(edit(ann, NOWHERE)).rejects.toMatchObject(NOT_FOUND);
    expect(await row(post)).toMatchObject({ text: 'a post', editedAt: null });
    const { version = 0 } = (await row(post)) ?? {};
    await edit(ann, post);
    expect(await row(post)).toMatchObject({
      text: 'other words',
      editedAt: opened.queue.clock,
      version: version + 1,
    });
    expect(await terms()).toEqual([post]);
  });

  test('only is edited: comments and replies are not found as posts, not even by their authors', async () => {
    await expect(edit(bob, comment)).rejects.toMatchObject(NOT_FOUND);
    await expect(edit(ann, reply)).rejects.toMatchObject(NOT_FOUND);
  });

  test('takes pictures of its author alone, and keeps no file of others', async () => {
    const add = (viewer: Viewer, postId: number) => attaching.addPicture({ viewer, postId, bytes: picture });
    await expect(add(bob, post)).rejects.toMatchObject(FORBIDDEN);
    await expect(add(ann, NOWHERE)).rejects.toMatchObject(NOT_FOUND);
    await expect(add(bob, comment)).rejects.toMatchObject(NOT_FOUND);
    expect(await opened.files()).toEqual([]);
    const { version = 0 } = (await row(post)) ?? {};
    await add(ann, post);
    expect(await opened.files()).toHaveLength(1);
    expect(await row(post)).toMatchObject({ version: version + 1 });
  });

  test('that goes while its picture is made takes the file with it', async () => {
    const adding = attaching.addPicture({ viewer: ann, postId: post, bytes: picture });
    await writing.remove({ viewer: ann, id: post });
    await expect(adding).rejects.toMatchObject(NOT_FOUND);
    expect(await opened.files()).toEqual([]);
  });

  test('takes videos of its author alone, and only of what they have sent', async () => {
    const [own, foreign] = [await upload(ann), await upload(bob)];
    const add = (viewer: Viewer, postId: number, mediaId: number) =>
      attaching.addVideo({ viewer, postId, upload: mediaId });
    await expect(add(bob, post, foreign)).rejects.toMatchObject(FORBIDDEN);
    await expect(add(ann, post, foreign)).rejects.toMatchObject({ code: 'upload_not_found' });
    await expect(add(ann, NOWHERE, own)).rejects.toMatchObject(NOT_FOUND);
    for (const id of [own, foreign]) expect(await opened.row(id)).toMatchObject({ postId: null });

    const { version = 0 } = (await row(post)) ?? {};
    await add(ann, post, own);
    expect(await opened.row(own)).toMatchObject({ postId: post });
    expect(await row(post)).toMatchObject({ version: version + 1 });
    expect((await opened.files()).filter((file) => file.startsWith('media/videos/'))).toHaveLength(1);
    await expect(add(ann, post, own)).resolves.toBeUndefined();
    const second = await writing.create({ viewer: ann, text: 'a second' });
    await expect(add(ann, second, own)).rejects.toMatchObject({ code: 'upload_closed' });
  });

  test('loses the media that it has and no other', async () => {
    const second = await writing.create({ viewer: ann, text: 'a second' });
    for (const postId of [post, second]) await attaching.addPicture({ viewer: ann, postId, bytes: picture });
    const media = await opened.database.read.selectFrom('media').select(['id', 'postId']).execute();
    const [first, other] = media.map(({ id }) => id);
    await edit(ann, post, { removeMediaIds: [other ?? 0] });
    expect(await opened.database.read.selectFrom('media').select('id').execute()).toHaveLength(2);
    await edit(ann, post, { removeMediaIds: [first ?? 0] });
    expect(await opened.database.read.selectFrom('media').select('id').execute()).toEqual([{ id: other }]);
  });
});

describe('what was said', () => {
  test('is taken back by who said it, and not by the author of what it hangs on', async () => {
    for (const [viewer, id] of [
      [bob, post],
      [ann, comment],
      [bob, reply],
    ] as const)
      await expect(writing.remove({ viewer, id })).rejects.toMatchObject(FORBIDDEN);
    await expect(writing.remove({ viewer: ann, id: NOWHERE })).rejects.toMatchObject(NOT_FOUND);
    expect(await rows()).toHaveLength(3);
    expect(told).toEqual([]);
  });

  test('is taken away by an admin, who may not change or add to it', async () => {
    const admin: Viewer = { ...(await insertPerson(opened.database, 'kim')), sessionId: 3, role: 'admin' };
    await expect(edit(admin, post)).rejects.toMatchObject(FORBIDDEN);
    await expect(attaching.addPicture({ viewer: admin, postId: post, bytes: picture })).rejects.toMatchObject(
      FORBIDDEN,
    );
    await writing.remove({ viewer: admin, id: comment });
    expect((await rows()).map(({ id }) => id)).toEqual([post]);
    expect(await row(post)).toMatchObject({ childrenCount: 0 });
    await writing.remove({ viewer: admin, id: post });
    expect(await rows()).toEqual([]);
  });

  test('takes with it what hangs on it, and is counted no longer', async () => {
    const { version = 0 } = (await row(post)) ?? {};
    await writing.remove({ viewer: ann, id: reply });
    expect(await row(comment)).toMatchObject({ childrenCount: 0 });
    expect(await row(post)).toMatchObject({ childrenCount: 1, version: version + 1 });
    await writing.remove({ viewer: bob, id: comment });
    expect(await row(post)).toMatchObject({ childrenCount: 0, version: version + 2 });
    expect(told).toEqual([post, post]);
    await attaching.addPicture({ viewer: ann, postId: post, bytes: picture });
    await writing.remove({ viewer: ann, id: post });
    expect(told).toEqual([post, post]);
    expect(await rows()).toEqual([]);
    expect(await terms()).toEqual([]);
    await opened.work();
    expect(await opened.files()).toEqual([]);
  });

  test('hangs on what it answers: comments on posts, replies on comments', async () => {
    for (const postId of [comment, reply, NOWHERE])
      await expect(writing.comment({ viewer: bob, postId, text: 'x' })).rejects.toMatchObject(NOT_FOUND);
    for (const commentId of [post, reply, NOWHERE])
      await expect(writing.reply({ viewer: bob, commentId, text: 'x' })).rejects.toMatchObject(NOT_FOUND);
    const second = await writing.reply({ viewer: bob, commentId: comment, text: 'x' });
    expect(await row(second)).toMatchObject({ parentId: comment, rootId: post, authorId: bob.profileId });
    expect(await row(comment)).toMatchObject({ parentId: post, rootId: post, childrenCount: 2 });
    expect(await row(post)).toMatchObject({ parentId: null, rootId: null, childrenCount: 1 });
    expect(told).toEqual([post]);
  });

  test('has no more characters than it may', async () => {
    const long = 'x'.repeat(51);
    const longer = 'x'.repeat(101);
    for (const refused of [
      () => writing.comment({ viewer: bob, postId: post, text: long }),
      () => writing.reply({ viewer: bob, commentId: comment, text: long }),
      () => writing.create({ viewer: bob, text: longer }),
      () => edit(ann, post, { text: longer }),
    ])
      await expect(refused()).rejects.toMatchObject({ code: 'text_too_long' });
    await edit(ann, post, { text: long });
    expect(await rows()).toHaveLength(3);
  });

  test('is liked where it is looked for, by one person once', async () => {
    const like = (id: number, level: 'post' | 'comment' | 'reply') =>
      likes.toggle({ viewer: bob, id, level });
    for (const [id, level] of [
      [post, 'comment'],
      [comment, 'reply'],
      [reply, 'post'],
      [NOWHERE, 'post'],
    ] as const)
      await expect(like(id, level)).rejects.toMatchObject(NOT_FOUND);
    expect(told).toEqual([]);
    await like(reply, 'reply');
    expect(await row(reply)).toMatchObject({ likesCount: 1 });
    expect(await likes.set({ viewer: bob, id: reply, liked: true })).toEqual({ postId: post });
    expect(await row(reply)).toMatchObject({ likesCount: 1 });
    await likes.set({ viewer: ann, id: reply, liked: true });
    expect(await row(reply)).toMatchObject({ likesCount: 2 });
    await like(reply, 'reply');
    await likes.set({ viewer: bob, id: reply, liked: false });
    expect(await row(reply)).toMatchObject({ likesCount: 1 });
    expect(told).toEqual([post, post, post]);
  });
});
