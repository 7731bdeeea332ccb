// `/api/posts/post/search?q=`: words that are OR-ed, by prefix, best first. Each test has words of its own, so that all
// of them share one server.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

let server: TestServer;
let ann: Person;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const tell = (text: string): Promise<number> => say(server.base, ann, text);
const ask = (query: string, token?: string): Promise<Answer> =>
  call(server.base, `/api/posts/post/search${query}`, { token });
/** Ids that are found, in the order of the answer. */
async function find(words: string): Promise<number[]> {
  const { status, json } = await ask(`?q=${encodeURIComponent(words)}`);
  expect(status).toBe(200);
  return json.map(({ id }: { id: number }) => id);
}
const post = (path: string, body: unknown): Promise<Answer> =>
  call(server.base, `/api/posts/post/${path}/`, { token: ann.access, body });

describe('words', () => {
  test('are OR-ed and found by their beginnings, not by their middles', async () => {
    const [apple, pear, both] = [await tell('apples'), await tell('pears'), await tell('apples pears')];
    expect(new Set(await find('apple pear'))).toEqual(new Set([apple, pear, both]));
    expect(new Set(await find('  apple    nothing-of-the-kind '))).toEqual(new Set([apple, both]));
    expect(new Set(await find('appl'))).toEqual(new Set([apple, both]));
    expect(await find('pples')).toEqual([]);
    expect((await ask('?q=apple+pear')).json).toHaveLength(3);
  });

  test('are the same in any case and with any accents', async () => {
    const id = await tell('Crème BRÛLÉE Ærøskøbing Straße Ελλάδα');
    for (const words of [
      'creme',
      'CRÈME',
      'Cre\u0300me',
      'brulee',
      'brûl',
      'ÆRØ',
      'straße',
      'ΕΛΛΑΔΑ',
      'ελλαδα',
    ])
      expect(await find(words), words).toEqual([id]);
  });

  test('of scripts without blanks are found inside a sentence', async () => {
    const id = await tell('昨日は東京タワーへ行きました。');
    const thai = await tell('ฉันไปกรุงเทพเมื่อวาน');
    for (const words of ['東京', '東京タワー', 'タワー', '京', '行きました'])
      expect(await find(words), words).toEqual([id]);
    expect(await find('กรุงเทพ')).toEqual([thai]);
    expect(await find('大阪')).toEqual([]);
  });

  test('may have % and _, which are letters and no wildcards', async () => {
    const [percent, thousand, snake] = [
      await tell('at 770%'),
      await tell('7700 times'),
      await tell('kebab_case'),
    ];
    expect(await find('770%')).toEqual([percent]);
    expect(new Set(await find('770'))).toEqual(new Set([percent, thousand]));
    expect(await find('%')).toEqual([percent]);
    expect(await find('_')).toEqual([snake]);
    expect(await find('kebab_')).toEqual([snake]);
    expect(await find('kebab')).toEqual([snake]);
    expect(await find('%ebab')).toEqual([]);
    expect(await find('k_bab')).toEqual([]);
  });

  test('of the index language itself are only words', async () => {
    const id = await tell('zebra NEAR the AND or NOT');
    for (const words of [
      '"zebra',
      'zebra"',
      'zebra*',
      '^zebra',
      '(zebra',
      'terms:zebra',
      'zebra -x',
      "'; drop--zebra",
    ])
      expect(await find(words), words).toContain(id);
    for (const words of ['"', '*', '!?.', '"" ()', '\0', '😀', '\uFFFD', ':', '-'])
      expect(await find(words)).toEqual([]);
    expect((await find(`NEAR(zebra the, 2) AND NOT`))[0]).toBe(id);
  });
});

describe('what is found', () => {
  test('comes best first: more of the words, then the rarer word, then the shorter text', async () => {
    const common = 'the quiet harbour under a wide evening sky with many boats';
    for (let count = 0; count < 3; count += 1) await tell(`lantern ${common}`);
    const long = await tell(`lighthouse ${common}`);
    const short = await tell('lighthouse');
    const all = await tell(`lighthouse lantern ${common}`);
    const found = await find('lighthouse lantern');
    expect(found).toHaveLength(6);
    expect(found.indexOf(all)).toBeLessThan(found.indexOf(long));
    expect(found.indexOf(short)).toBeLessThan(found.indexOf(long));
    expect(found.slice(0, 3)).toEqual(expect.arrayContaining([all, short, long]));
  });

  test('is at most forty posts, the newest of equals', async () => {
    const ids: number[] = [];
    for (let count = 0; count < 45; count += 1) ids.unshift(await tell('commonplace'));
    expect(await find('commonplace')).toEqual(ids.slice(0, 40));
    expect(await find('commonplace '.repeat(500))).toHaveLength(40);
  });

  test('follows what is edited and deleted at once', async () => {
    const id = await tell('otter');
    expect(await find('otter')).toEqual([id]);
    await post('create', { description: 'beaver', existingPostId: id });
    expect(await find('otter')).toEqual([]);
    expect(await find('beaver')).toEqual([id]);
    await call(server.base, `/api/posts/post/delete/${id}`, { token: ann.access });
    expect(await find('beaver')).toEqual([]);
  });

  test('are posts alone, by their texts alone', async () => {
    const postID = await tell('walrus');
    await post('add/comment', { postID, commentContent: 'narwhal' });
    expect(await find('narwhal')).toEqual([]);
    expect(await find(ann.username)).toEqual([]);
    const [found] = (await ask('?q=walrus')).json;
    expect(found).toMatchObject({ description: 'walrus', comments: [{ comment: 'narwhal' }], likes: [] });
  });

  test('of no word at all are the newest posts', async () => {
    const newest = await tell('the newest');
    for (const query of ['', '?q=', '?q=%20%20', '?q=a&q=b', '?other=1']) {
      const { status, json } = await ask(query);
      expect(status).toBe(200);
      expect(json[0].id).toBe(newest);
      expect(json.length).toBeLessThanOrEqual(40);
    }
  });
});

describe('the route', () => {
  test('is public, but a bad token is refused all the same', async () => {
    expect((await ask('?q=x')).headers.get('content-type')).toBe('application/json');
    expect((await ask('?q=x', ann.access)).status).toBe(200);
    expect((await ask('?q=x', 'decryptedAccessToken')).status).toBe(401);
  });

  test('exists without the slash only', async () => {
    expect((await ask('/?q=x')).status).toBe(404);
    expect((await call(server.base, '/api/posts/post/search', { method: 'HEAD' })).status).toBe(405);
  });

  test('takes whatever a browser makes of what somebody typed', async () => {
    for (const query of [
      '?q=%',
      '?q=%zz',
      '?q=%ED%A0%80',
      '?q=%00',
      '?q=a b',
      `?q=${'x'.repeat(10_000)}`,
      '?q[]=x',
    ])
      expect((await ask(query)).status, query.slice(0, 20)).toBe(200);
  });
});
