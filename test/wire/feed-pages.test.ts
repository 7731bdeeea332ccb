// Pages of lists: larger than the original's, and one behind the other however much is said meanwhile.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const get = (path: string, { access }: Person): Promise<Answer> => call(server.base, path, { token: access });
const idsOf = ({ json }: Answer): number[] => json.map(({ id }: { id: number }) => id);
const nextOf = ({ headers }: Answer): string | undefined =>
  /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
const follow = (viewer: Person, { id }: { id: number }, method = 'PUT'): Promise<Answer> =>
  call(server.base, `/api/users/user/${id}/follow/`, { method, token: viewer.access });
const remove = (viewer: Person, post: number): Promise<Answer> =>
  call(server.base, `/api/posts/post/${post}/`, { method: 'DELETE', token: viewer.access });

/** The profile's own id is not among the tokens. */
async function arrive(): Promise<Person & { id: number }> {
  const person = await join(server.base);
  return { ...person, id: (await get('/api/users/author/', person)).json.id };
}

/** All pages from `path` on; `between` runs after each. */
async function readAll(path: string, person: Person, between?: () => Promise<unknown>): Promise<number[][]> {
  const pages: number[][] = [];
  for (let next: string | undefined = path; next !== undefined;) {
    const page: Answer = await get(next, person);
    expect(page.status).toBe(200);
    pages.push(idsOf(page));
    next = nextOf(page);
    await between?.();
  }
  return pages;
}

describe('the feed', () => {
  let reader: Person;
  const all: number[] = [];
  beforeAll(async () => {
    reader = await join(server.base);
    for (let count = 0; count < 42; count += 1) all.unshift(await say(server.base, reader, `post ${count}`));
  });
  const read = async (query: string): Promise<number[]> => {
    const answer = await get(`/api/posts/?${query}`, reader);
    expect(answer.status).toBe(200);
    return idsOf(answer);
  };

  test('comes in pages of up to forty posts', async () => {
    expect(await read('per_page=7')).toEqual(all.slice(0, 7));
    expect(await read('per_page=7&page=2')).toEqual(all.slice(7, 14));
    for (const most of ['40', '41', '999999999'])
      expect(await read(`per_page=${most}`), most).toEqual(all.slice(0, 40));
    expect(await read('per_page=40&page=2')).toEqual(all.slice(40));
    expect(await read('per_page=0')).toEqual(all.slice(0, 1));
    for (const none of ['-1', 'all', '', '1.5', '7&per_page=9'])
      expect(await read(`per_page=${none}`), none).toEqual(all.slice(0, 4));
  });

  test('goes on where the link says, with nothing twice and nothing left out while posts come and go', async () => {
    const ann = await arrive();
    const gone: number[] = [];
    for (let count = 0; count < 3; count += 1) gone.unshift(await say(server.base, ann, 'goes'));
    const pages = await readAll('/api/posts/?per_page=10', reader, async () => {
      const [id] = gone.splice(0, 1);
      if (id !== undefined) await remove(ann, id);
      await say(server.base, ann, 'meanwhile');
    });
    expect(pages.flat().slice(3)).toEqual(all);
    expect(pages.map(({ length }) => length)).toEqual([10, 10, 10, 10, 5]);
    for (const id of idsOf(await get('/api/posts/?per_page=5', reader))) await remove(ann, id);
  });

  test('goes on behind a post that was deleted', async () => {
    const ann = await arrive();
    const [third, second, first] = [
      await say(server.base, ann, 'third'),
      await say(server.base, ann, 'second'),
      await say(server.base, ann, 'first'),
    ];
    const page = await get('/api/posts/?per_page=2', reader);
    expect(idsOf(page)).toEqual([first, second]);
    await remove(ann, second);
    expect(idsOf(await get(nextOf(page) ?? '', reader))).toEqual([third, all[0]]);
    for (const id of [first, third]) await remove(ann, id);
  });

  test('goes on from a page that was asked for by its number, and at the end says no more', async () => {
    const second = await get('/api/posts/?per_page=20&page=2', reader);
    expect(idsOf(second)).toEqual(all.slice(20, 40));
    const last = await get(nextOf(second) ?? '', reader);
    expect(idsOf(last)).toEqual(all.slice(40));
    expect(nextOf(last)).toBeUndefined();
    expect(nextOf(await get('/api/posts/?per_page=21&page=2', reader))).toBeUndefined();
    expect(nextOf(await get('/api/posts/?page=1000', reader))).toBeUndefined();
  });

  test.for(['', '7', '7-', '-7', '1-2-3', 'a-b', '1e3-1', '9999999999999999-1', '--1-1', '1--1'])(
    'is refused from a place that is none: %s',
    async (place) => {
      const { status, json } = await get(`/api/posts/?before=${place}`, reader);
      expect(status).toBe(400);
      expect(JSON.stringify(json)).toContain('place in a list');
    },
  );
});

test("a profile's posts go on beyond those that are listed at once", async () => {
  const [ann, bob] = [await arrive(), await arrive()];
  const own: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    own.unshift(await say(server.base, ann, `post ${count}`));
    await say(server.base, bob, 'something else');
  }
  const path = `/api/users/user/posts/${ann.id}/`;
  expect(await readAll(path, bob)).toEqual([own]);
  expect(await readAll(`${path}?per_page=2`, bob)).toEqual([own.slice(0, 2), own.slice(2, 4), own.slice(4)]);
  expect((await get(`/api/users/user/posts/999999/?before=1-1`, bob)).status).toBe(404);
});

describe('the posts of those one follows', () => {
  const path = '/api/posts/following/';

  test("come with one's own, and with nobody else's", async () => {
    const [ann, bob, cas] = [await arrive(), await arrive(), await arrive()];
    expect(idsOf(await get(path, ann))).toEqual([]);
    const [byBob, byAnn] = [await say(server.base, bob, 'by bob'), await say(server.base, ann, 'by ann')];
    await say(server.base, cas, 'by cas');
    expect(idsOf(await get(path, ann))).toEqual([byAnn]);
    await follow(ann, bob);
    // Who is followed sees no more by it.
    expect(idsOf(await get(path, bob))).toEqual([byBob]);
    const { json, text } = await get(path, ann);
    expect(json.map(({ id }: { id: number }) => id)).toEqual([byAnn, byBob]);
    // Written as everywhere else.
    const texts = await Promise.all(
      [byAnn, byBob].map(async (id) => (await get(`/api/posts/post/${id}/`, ann)).text),
    );
    expect(text).toBe(`[${texts.join(',')}]`);
    await follow(ann, bob, 'DELETE');
    expect(idsOf(await get(path, ann))).toEqual([byAnn]);
  });

  test('come page by page', async () => {
    const [ann, ...others] = [await arrive(), await arrive(), await arrive(), await arrive()];
    const said: number[] = [];
    for (const other of others) await follow(ann, other);
    for (let round = 0; round < 4; round += 1)
      for (const other of others) said.unshift(await say(server.base, other, `round ${round}`));
    const pages = await readAll(`${path}?per_page=5`, ann, () => say(server.base, ann, 'meanwhile'));
    expect(pages).toEqual([said.slice(0, 5), said.slice(5, 10), said.slice(10)]);
  });

  test('are for those who are signed in', async () => {
    expect((await call(server.base, path)).status).toBe(401);
  });
});
