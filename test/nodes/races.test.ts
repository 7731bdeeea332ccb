// What several people do at once, each through either node: on PostgreSQL in transactions that really run side by side.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { ask } from '../support/site-data.ts';
import { type Nodes, startNodes } from './nodes.ts';

let nodes: Nodes;
let ann: Person;
let bob: Person;
beforeAll(async () => {
  nodes = await startNodes();
  ann = await join(nodes.one.base);
  bob = await join(nodes.two.base);
  // Jobs stay where they can be counted.
  for (const { app } of [nodes.one, nodes.two]) await app.worker.stop();
});
afterAll(() => nodes[Symbol.asyncDispose]());

const times = <T>(count: number, make: (turn: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, turn) => make(turn)));

/** Sent by `by`, or Ann. */
const post = (
  turn: number,
  path: string,
  { by = ann, ...body }: { by?: Person } & Record<string, unknown>,
): Promise<Answer> => call(nodes.at(turn).base, `/api/posts/post/${path}/`, { token: by.access, body });

const get = (turn: number, path: string, { access } = ann): Promise<Answer> =>
  call(nodes.at(turn).base, path, { token: access });

/** The first column of the first row. */
async function read(sql: string, ...values: unknown[]): Promise<unknown> {
  const [row] = await ask<object>(nodes.one.dataDir, sql, ...values);
  return Object.values(row ?? {})[0];
}

const succeeded = (answers: readonly Answer[]): number =>
  answers.filter(({ status }) => status === 200 || status === 201).length;

describe('through both nodes at once', () => {
  test.each([51, 50, 2])(
    '%i likes of one person leave one row at most, as often as they were answered',
    async (count) => {
      const postID = await say(nodes.one.base, ann, 'toggled');
      const answers = await times(count, (turn) => post(turn, 'add/like', { postID }));
      expect(succeeded(answers)).toBe(count);
      expect(await read('select count(*) as n from likes where post_id = ?', postID)).toBe(count % 2);
      expect(await read('select likes_count from posts where id = ?', postID)).toBe(count % 2);
    },
  );

  test.each([51, 50, 2])('%i follows of one person likewise', async (count) => {
    const [fan, star] = [await join(nodes.one.base), await join(nodes.two.base)];
    const answers = await times(count, (turn) => get(turn, `/api/users/user/follower/add/${star.id}/`, fan));
    expect(succeeded(answers)).toBe(count);
    const rows = await read('select count(*) as n from follows where followed_id = ?', star.id);
    expect(rows).toBe(count % 2);
    expect(await read('select followers_count from profiles where id = ?', star.id)).toBe(rows);
    expect(await read('select following_count from profiles where id = ?', fan.id)).toBe(rows);
  });

  test('posts, comments and likes of several are there once each, and counted', async () => {
    const people = await times(6, (turn) => join(nodes.at(turn).base));
    const postID = await say(nodes.one.base, ann, 'busy');
    const texts = people.flatMap(({ username }) => [1, 2, 3, 4].map((n) => `${username} says ${n}`));
    const who = (turn: number): Person => people[turn % people.length] ?? ann;
    const [likes, comments, posts] = await Promise.all([
      times(people.length, (turn) => post(turn, 'add/like', { postID, by: who(turn) })),
      times(texts.length, (turn) =>
        post(turn, 'add/comment', { postID, commentContent: texts[turn], by: who(turn) }),
      ),
      times(12, (turn) => say(nodes.at(turn).base, who(turn), `a post, ${turn}`)),
    ]);
    expect([succeeded(likes), succeeded(comments), new Set(posts).size]).toEqual([6, 24, 12]);
    const { json } = await get(1, `/api/posts/post/${postID}/`);
    expect(json.comments.map(({ comment }: { comment: string }) => comment).toSorted()).toEqual(
      texts.toSorted(),
    );
    expect(await read('select count(*) as n from likes where post_id = ?', postID)).toBe(6);
    expect(await read('select likes_count from posts where id = ?', postID)).toBe(6);
    expect(await read('select children_count from posts where id = ?', postID)).toBe(24);
    for (const [turn, id] of posts.entries())
      expect(await read('select text from posts where id = ?', id)).toBe(`a post, ${turn}`);
  });

  test('a post is deleted once, and what is liked and said meanwhile goes with it', async () => {
    for (let round = 0; round < 8; round += 1) {
      const postID = await say(nodes.at(round).base, ann, 'contested');
      const [removed, answers] = await Promise.all([
        times(4, (turn) => get(turn, `/api/posts/post/delete/${postID}`)),
        times(12, (turn) =>
          turn % 3 === 0
            ? post(turn, 'add/like', { postID, by: bob })
            : post(turn, 'add/comment', { postID, commentContent: `${turn}`, by: bob }),
        ),
      ]);
      expect(removed.map(({ status }) => status).toSorted((x, y) => x - y)).toEqual([200, 404, 404, 404]);
      for (const { status } of answers) expect([200, 201, 404]).toContain(status);
      expect(await read('select count(*) as n from posts where id = ? or root_id = ?', postID, postID)).toBe(
        0,
      );
      expect(await read('select count(*) as n from likes where post_id = ?', postID)).toBe(0);
      for (const turn of [0, 1]) expect((await post(turn, 'add/like', { postID })).status).toBe(404);
    }
  });

  test('the same pieces of a file make that file, whichever comes first', async () => {
    const pieces = [makeFile(90_000), makeFile(70_000), makeFile(50_000)];
    const filename = 'doubled.mp4';
    const offsets = [0, 90_000, 160_000];
    for (const [index, bytes] of pieces.entries()) {
      const fields = { offset: String(offsets[index]) };
      const answers = await times(4, (turn) =>
        sendChunk(nodes.at(turn).base, ann, { filename, bytes, fields }),
      );
      expect(succeeded(answers)).toBe(4);
    }
    expect(await read(`select "offset" from uploads where label = ?`, filename)).toBe(210_000);
  });

  test('an upload is finalized six times and once more, and there is one video and one job', async () => {
    const filename = 'one.mp4';
    const postID = await say(nodes.one.base, ann, 'a video');
    const { json } = await sendChunk(nodes.one.base, ann, { filename, bytes: makeFile(1_000) });
    const finalize = (turn: number): Promise<Answer> =>
      post(turn, 'add/media/video/finalize', { postID, videoID: json.id });
    expect(succeeded(await times(6, finalize))).toBe(6);
    expect(succeeded([await finalize(1)])).toBe(1);
    expect((await get(1, `/api/posts/post/${postID}/`)).json.media_files).toHaveLength(1);
    expect(await read(`select count(*) as n from jobs where kind = 'transcode'`)).toBe(1);
  });
});

test('what one person may keep is counted over both nodes, however many pieces come at once', async () => {
  await using small = await startNodes({ MAX_STORAGE_PER_PERSON: '1MiB' });
  const eve = await join(small.one.base);
  const bytes = makeFile(200_000);
  const answers = await times(12, (turn) =>
    sendChunk(small.at(turn).base, eve, { filename: `${turn}.mp4`, bytes, fields: { offset: '0' } }),
  );
  // Five are a million bytes, and six more than a mebibyte.
  expect(succeeded(answers)).toBe(5);
  const refused = answers.filter(({ status }) => status !== 200);
  expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([413]));
  const [kept] = await ask<{ size: number }>(small.one.dataDir, 'select sum(size) as size from media');
  expect(Number(kept?.size)).toBe(5 * bytes.length);
});
