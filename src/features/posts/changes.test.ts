// What a node reads after it may have missed messages.
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import type { Viewer } from '../users/index.ts';
import { createLikes, type Likes } from './likes.ts';
import { createLists, type Lists } from './lists.ts';
import { createWriting, type Writing } from './writing.ts';

let opened: TestMedia;
let lists: Lists;
let writing: Writing;
let likes: Likes;
let viewer: Viewer;
let clock: number;

beforeEach(async () => {
  opened = await openTestMedia();
  const { database, bus, media } = opened;
  clock = 1_000;
  const now = (): number => clock;
  const limits = { postCharacters: 100, commentCharacters: 50 };
  lists = createLists({ database, now });
  writing = createWriting({ database, bus, media, limits, now });
  likes = createLikes({ database, bus, now });
  viewer = { ...(await insertPerson(database, 'bob')), sessionId: 2, role: 'user' };
});
afterEach(() => opened[Symbol.asyncDispose]());

const changedSince = async (time: number): Promise<number[]> =>
  (await lists.changedSince(time)).map(({ id }) => id);

test('posts that live updates told of since a time are found, the newest change first', async () => {
  const [one, two, quiet] = await Promise.all(
    ['one', 'two', 'quiet'].map((text) => writing.create({ viewer, text })),
  ).then((ids) => [ids[0] ?? 0, ids[1] ?? 0, ids[2] ?? 0] as const);
  clock = 2_000;
  const comment = await writing.comment({ viewer, postId: one, text: 'a comment' });
  clock = 3_000;
  await likes.toggle({ viewer, id: two });
  expect(await changedSince(2_000)).toEqual([two, one]);
  expect(await changedSince(2_001)).toEqual([two]);
  clock = 4_000;
  const reply = await writing.reply({ viewer, commentId: comment, text: 'a reply' });
  await likes.toggle({ viewer, id: reply });
  expect(await changedSince(2_001)).toEqual([one, two]);
  expect(await changedSince(0)).not.toContain(quiet);
  expect(await changedSince(4_001)).toEqual([]);
});

test('a like that changes nothing is no change', async () => {
  const id = await writing.create({ viewer, text: 'liked' });
  await likes.set({ viewer, id, liked: true });
  clock = 2_000;
  await likes.set({ viewer, id, liked: true });
  expect(await changedSince(2_000)).toEqual([]);
});

test('no more than a thousand are answered, the ones changed last', async () => {
  const { database } = opened;
  await database.transaction(async (tx) => {
    const post = { authorId: viewer.profileId, parentId: null, rootId: null, editedAt: null, createdAt: 0 };
    const rows = Array.from({ length: 1_100 }, (_, n) => ({ ...post, text: `${n}`, changedAt: 5_000 + n }));
    for (let from = 0; from < rows.length; from += 100)
      await tx
        .insertInto('posts')
        .values(rows.slice(from, from + 100))
        .execute();
  });
  const found = await lists.changedSince(0);
  expect(found).toHaveLength(1_000);
  const { rows } = await sql<{ oldest: number }>`
    select min(changed_at) as oldest from posts
    where id in ${sql`(${sql.join(found.map(({ id }) => id))})`}`.execute(database.read);
  expect(Number(rows[0]?.oldest)).toBe(5_100);
});
