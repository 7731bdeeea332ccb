import { beforeEach, expect, test, vi } from 'vitest';
import type { Post } from '../wire/shapes.ts';
import { createFeed, everybody, followed, putOnTop, resetFeeds, takeOut } from './feed.ts';
import { forgetAllPosts } from './posts.ts';

/** Of a browser, what modules want as they load. */
vi.hoisted(() => {
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('localStorage', { getItem: () => null });
});

const PAGE = 3;
const FIRST = '/api/posts/?per_page=3';

/** What the server has, newest first. */
let there: number[];
let isAway: boolean;
let asked: string[];

beforeEach(() => {
  there = [];
  isAway = false;
  asked = [];
  forgetAllPosts();
  resetFeeds();
  vi.stubGlobal('localStorage', { getItem: () => null });
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    if (isAway) throw new TypeError('no network');
    const behind = Number(new URLSearchParams(path.split('?')[1]).get('before') ?? Infinity);
    const left = there.filter((id) => id < behind);
    const page = left.slice(0, PAGE);
    const link = left.length > PAGE ? `<${FIRST}&before=${page.at(-1)}>; rel="next"` : '';
    return Response.json(page.map(post), { headers: link === '' ? {} : { link } });
  });
});

const author = { id: 1, username: 'ann', firstname: 'Ann', lastname: 'Lee', profile_picture: '' };
const post = (id: number): Post => ({
  ...{ id, auhtor: author, description: '', date_created: new Date(id).toISOString() },
  ...{ likes: [], comments: [], media_files: [] },
});
const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => last - n);

test('pages come one behind the other until the end, and no further', async () => {
  there = upTo(7);
  const feed = createFeed(FIRST);
  await feed.begin();
  expect(feed.state.get()).toMatchObject({ ids: [7, 6, 5], loading: false });
  await feed.begin();
  expect(asked).toHaveLength(1);
  // What is new meanwhile moves nothing.
  there = upTo(9);
  await feed.loadMore();
  await feed.loadMore();
  expect(feed.state.get()).toMatchObject({ ids: upTo(7), next: undefined });
  await feed.loadMore();
  expect(asked).toHaveLength(3);
});

test('a page that failed is asked for again', async () => {
  there = upTo(4);
  const feed = createFeed(FIRST);
  isAway = true;
  await feed.begin();
  expect(feed.state.get()).toMatchObject({ ids: [], loading: false, failure: { kind: 'offline' } });
  isAway = false;
  await feed.loadMore();
  expect(feed.state.get()).toMatchObject({ ids: [4, 3, 2], failure: undefined });
});

test('a page of what is known is passed over', async () => {
  there = upTo(9);
  const feed = createFeed(FIRST);
  await feed.begin();
  feed.state.set({ ...feed.state.get(), ids: [9, 8, 7, 6, 5, 4] });
  await feed.loadMore();
  expect(feed.state.get().ids).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
  expect(asked).toHaveLength(3);
});

test('new posts are offered, those before them that were not looked at yet too, and shown on request', async () => {
  there = upTo(3);
  const feed = createFeed(FIRST);
  await feed.lookForNew();
  expect(asked).toEqual([]);
  await feed.begin();
  there = upTo(8);
  await feed.lookForNew();
  expect(feed.state.get()).toMatchObject({ ids: [3, 2, 1], newIds: [8, 7, 6, 5, 4] });
  there = upTo(9);
  await feed.lookForNew();
  await feed.lookForNew();
  expect(feed.state.get().newIds).toEqual([9, 8, 7, 6, 5, 4]);
  feed.showNew();
  expect(feed.state.get()).toMatchObject({ ids: upTo(9), newIds: [] });
});

test('after more than can be looked through, the list begins anew where it was left', async () => {
  there = upTo(3);
  const feed = createFeed(FIRST);
  await feed.begin();
  there = upTo(40);
  await feed.lookForNew();
  expect(feed.state.get()).toMatchObject({ ids: [3, 2, 1], newIds: upTo(40, 29) });
  there = upTo(41);
  await feed.lookForNew();
  feed.showNew();
  expect(feed.state.get()).toMatchObject({ ids: upTo(41, 29), newIds: [] });
  for (let count = 0; feed.state.get().next !== undefined && count < 20; count += 1) await feed.loadMore();
  expect(feed.state.get().ids).toEqual(upTo(41));
});

test('to look twice at a time offers nothing twice', async () => {
  there = upTo(3);
  const feed = createFeed(FIRST);
  await feed.begin();
  there = upTo(8);
  await Promise.all([feed.lookForNew(), feed.lookForNew()]);
  expect(feed.state.get().newIds).toEqual([8, 7, 6, 5, 4]);
});

test('behind a post that was put on top or offered there may be others that nobody has seen', async () => {
  there = upTo(3);
  const feed = createFeed(FIRST);
  await feed.begin();
  there = upTo(11);
  feed.putOnTop(8);
  feed.offer(post(11));
  await feed.lookForNew();
  expect(feed.state.get()).toMatchObject({ ids: [8, 3, 2, 1], newIds: [11, 10, 9, 7, 6, 5, 4] });
});

test('what was on its way at the end of a list that begins anew is dropped', async () => {
  there = upTo(20);
  const feed = createFeed(FIRST);
  await feed.begin();
  there = upTo(60);
  await feed.lookForNew();
  const loading = feed.loadMore();
  feed.showNew();
  await loading;
  expect(feed.state.get()).toMatchObject({ ids: upTo(60, 49), loading: false });
  await feed.loadMore();
  expect(feed.state.get().ids).toEqual(upTo(60, 46));
});

test('an answer for an earlier reading is dropped', async () => {
  there = upTo(3);
  const feed = createFeed(FIRST);
  const reading = feed.begin();
  feed.reset();
  await reading;
  expect(feed.state.get()).toMatchObject({ ids: [], next: FIRST, loading: false });
});

test('a post that is just made is offered on top, one that is older than those shown is not', async () => {
  there = [5, 4];
  const feed = createFeed(FIRST);
  feed.offer(post(6));
  expect(feed.state.get().newIds).toEqual([]);
  await feed.begin();
  for (const id of [3, 6, 6, 7, 2]) feed.offer(post(id));
  expect(feed.state.get()).toMatchObject({ ids: [5, 4], newIds: [7, 6] });
  feed.showNew();
  expect(feed.state.get().ids).toEqual([7, 6, 5, 4]);
  await feed.lookForNew();
  expect(feed.state.get().newIds).toEqual([]);
});

test("one's own new post is on top of both lists that were read or are being read, and goes from both", async () => {
  there = upTo(3);
  await everybody.begin();
  const reading = followed.begin();
  putOnTop(4);
  await reading;
  for (const { state } of [everybody, followed]) expect(state.get().ids).toEqual([4, 3, 2, 1]);
  takeOut(4);
  for (const { state } of [everybody, followed]) expect(state.get().ids).not.toContain(4);
  everybody.offer(post(5));
  takeOut(5);
  expect(everybody.state.get().newIds).toEqual([]);
});

test("one's own post stands where it belongs in a list that is read later", async () => {
  there = upTo(3);
  putOnTop(2);
  await followed.begin();
  expect(followed.state.get().ids).toEqual([3, 2, 1]);
});
