// Comments and replies, and what every route that takes JSON does with bodies that no honest client sends.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

let server: TestServer;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

const send = (path: string, body: unknown, person: Person = ann): Promise<Answer> =>
  call(server.base, `/api/posts/post/${path}/`, { token: person.access, body });
// oxlint-disable-next-line typescript/no-explicit-any
const read = async (id: number): Promise<any> => (await call(server.base, `/api/posts/post/${id}/`)).json;

const TEXTS = {
  'a family of emoji': '👨‍👩‍👧‍👦 🏳️‍🌈 👩🏽‍🚀',
  'right to left with overrides': 'שלום \u202Eabc\u202C مرحبا \u2067x\u2069',
  zalgo: 'Z̸̡͎͆a̵̧̛l̷̨̛g̶̢̈́o̸',
  'composed and decomposed': 'é e\u0301 Å A\u030A ﬁ ﷺ',
  'blanks at the ends': ' \t two \r\n lines \n\n ',
  'invisible and odd': '\u200B\u200D\uFEFF\u2028\u2029\u0001\u007F\u0085 �',
  'quotes and code': `"'\\/<script>alert(1)</script>&amp;{{7*7}}\${x}%00;--`,
  nothing: '',
};

describe('comments and replies', () => {
  test('answer their sentences and appear with exactly the keys of the wire, oldest first', async () => {
    const postID = await say(server.base, ann, 'a post');
    for (const text of ['first', 'second']) {
      const body = { postID, commentID: postID, authorID: bob.id, commentContent: text };
      const answer = await send('add/comment', body, bob);
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual(['Comment was added scucessfully']);
      expect(answer.headers.get('content-type')).toBe('application/json');
    }
    const commentID: number = (await read(postID)).comments[0].id;
    for (const text of ['one', 'two']) {
      const answer = await send('add/reply', { postID, commentID, authorID: ann.id, commentContent: text });
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual(['Reply was added scucessfully']);
    }
    const author = (person: Person) => ({
      id: person.id,
      username: person.username,
      email: '',
      followers: [],
    });
    const { comments } = await read(postID);
    expect(comments).toMatchObject([{ comment: 'first' }, { comment: 'second', replyes: [] }]);
    const date = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const common = { id: expect.any(Number), likes: [], pub_date: date, last_edited: date };
    expect(comments[0]).toEqual({
      ...common,
      comment: 'first',
      author: expect.objectContaining(author(bob)),
      replyes: ['one', 'two'].map((reply) => ({
        ...common,
        reply,
        author: expect.objectContaining(author(ann)),
      })),
    });
  });

  test('are of the one whose token it is, whoever the body names', async () => {
    const postID = await say(server.base, ann, 'a post');
    for (const authorID of [ann.id, String(ann.id), null, undefined])
      await send('add/comment', { postID, authorID, author: ann.id, commentContent: 'mine' }, bob);
    const { comments } = await read(postID);
    const reply = { postID, commentID: comments[0].id, authorID: ann.id, commentContent: 'mine too' };
    await send('add/reply', reply, bob);
    const thread = (await read(postID)).comments;
    for (const { author } of [...thread, ...thread[0].replyes]) expect(author.id).toBe(bob.id);
    expect(thread).toHaveLength(4);
  });

  test('many at once are all there, once each', async () => {
    const postID = await say(server.base, ann, 'busy');
    const texts = Array.from({ length: 40 }, (_, count) => `comment ${count}`);
    await Promise.all(
      texts.map((commentContent, count) =>
        send('add/comment', { postID, commentContent }, count % 2 ? ann : bob),
      ),
    );
    const { comments } = await read(postID);
    expect(comments.map(({ comment }: { comment: string }) => comment).toSorted()).toEqual(texts.toSorted());
    expect(await ask(server.dataDir, 'select children_count from posts where id = ?', postID)).toEqual([
      { children_count: 40 },
    ]);
  });

  test('hang on what they are meant for, and on nothing else', async () => {
    const postID = await say(server.base, ann, 'a post');
    await send('add/comment', { postID, commentContent: 'a comment' });
    const commentID: number = (await read(postID)).comments[0].id;
    await send('add/reply', { postID, commentID, commentContent: 'a reply' });
    const replyID: number = (await read(postID)).comments[0].replyes[0].id;
    for (const id of [commentID, replyID, 999_999])
      expect((await send('add/comment', { postID: id, commentContent: 'x' })).status).toBe(404);
    for (const id of [postID, replyID, 999_999])
      expect((await send('add/reply', { postID, commentID: id, commentContent: 'x' })).status).toBe(404);
    for (const id of [commentID, replyID]) {
      expect((await call(server.base, `/api/posts/post/${id}/`)).status).toBe(404);
      expect((await send('create', { description: 'x', existingPostId: id })).status).toBe(404);
    }
  });
});

describe('texts', () => {
  test.for(Object.entries(TEXTS))('come back byte for byte: %s', async ([, text]) => {
    const postID = await say(server.base, ann, text);
    await send('add/comment', { postID, commentContent: text });
    const commentID: number = (await read(postID)).comments[0].id;
    await send('add/reply', { postID, commentID, commentContent: text });
    const post = await read(postID);
    expect(post.description).toBe(text);
    expect(post.comments[0].comment).toBe(text);
    expect(post.comments[0].replyes[0].reply).toBe(text);
    await send('create', { existingPostId: postID, description: `${text}!` });
    expect((await read(postID)).description).toBe(`${text}!`);
  });

  test('may be as long as the limit, in characters and not in bytes, and no longer', async () => {
    const postID = await say(server.base, ann, '👩'.repeat(10_000));
    expect((await read(postID)).description).toHaveLength(20_000);
    expect((await send('add/comment', { postID, commentContent: '👩'.repeat(5_000) })).status).toBe(200);
    const [{ id: commentID }] = (await read(postID)).comments;
    for (const long of ['👩'.repeat(10_001), 'x'.repeat(10_001), 'x'.repeat(900_000)]) {
      for (const existingPostId of ['', postID])
        expect((await send('create', { description: long, existingPostId })).status).toBe(400);
      const body = { postID, commentID, commentContent: long.slice(0, -4_999) };
      for (const route of ['comment', 'reply']) expect((await send(`add/${route}`, body)).status).toBe(400);
    }
    expect((await read(postID)).comments).toHaveLength(1);
  });

  test('with a NUL or half a surrogate pair are refused', async () => {
    const postID = await say(server.base, ann, 'kept');
    await send('add/comment', { postID, commentContent: 'kept' });
    const [{ id: commentID }] = (await read(postID)).comments;
    for (const bad of ['\0', 'a\0b', '\uD800', 'a\uDC00b', '\uDC00\uD800']) {
      for (const existingPostId of ['', postID])
        expect((await send('create', { description: bad, existingPostId })).status).toBe(400);
      for (const route of ['comment', 'reply'])
        expect((await send(`add/${route}`, { postID, commentID, commentContent: bad })).status).toBe(400);
    }
    expect((await read(postID)).description).toBe('kept');
  });
});

/** Every route of posts that takes JSON, with a body that is fine. */
async function goodBodies(): Promise<Record<string, Record<string, unknown>>> {
  const postID = await say(server.base, ann, 'untouched');
  await send('add/comment', { postID, commentContent: 'untouched' });
  const commentID: number = (await read(postID)).comments[0].id;
  await send('add/reply', { postID, commentID, commentContent: 'untouched' });
  const replyID: number = (await read(postID)).comments[0].replyes[0].id;
  return {
    create: { description: 'text', existingPostId: postID, deleteImages: [1] },
    'add/like': { postID },
    'add/comment': { postID, commentContent: 'text' },
    'add/reply': { commentID, commentContent: 'text' },
    'add/comment/like': { commentID },
    'add/reply/like': { commentID: replyID },
    'add/media/image': { postID, imageBase64: 'data:image/png;base64,AAAA' },
    'add/media/video/finalize': { postID, videoID: 999_999 },
  };
}

const raw = async (path: string, body: string | Buffer, type = 'application/json') => {
  const headers = { 'content-type': type, authorization: `Bearer ${ann.access}` };
  const answer = await fetch(`${server.base}/api/posts/post/${path}/`, { method: 'POST', headers, body });
  return { status: answer.status, json: await answer.json() };
};

describe('bodies', () => {
  test('of broken JSON are refused with 400', async () => {
    const texts = [
      ...['', '{', '{"postID":1', '[', 'nul', '{"postID":1,}', "{'postID':1}", '{"a":NaN}', 'undefined'],
      ...['{"postID":1}{', '"\\ud8"', '{"__proto__":{"postID":1}}', '{"constructor":{"prototype":{}}}'],
      ...['null', '1', '"text"', '[]', 'true', '\uFEFF{'],
    ];
    for (const path of Object.keys(await goodBodies())) {
      for (const text of texts) {
        const answer = await raw(path, text);
        expect(answer, `${path} ${text}`).toEqual({ status: 400, json: { error: expect.any(String) } });
      }
    }
  });

  test('that are not UTF-8 are refused with 400', async () => {
    const bad = [
      [0xc3, 0x28],
      [0x80],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xc0, 0xaf],
    ];
    const id = await say(server.base, ann, 'kept');
    for (const bytes of bad) {
      const text = JSON.stringify({ postID: id, existingPostId: id, description: '§', commentContent: '§' });
      const [before = '', between = '', after = ''] = text.split('§');
      const [a, b, c] = [before, between, after].map((part) => Buffer.from(part));
      const body = Buffer.concat(
        [a, Buffer.from(bytes), b, Buffer.from(bytes), c].flatMap((part) => part ?? []),
      );
      for (const path of ['create', 'add/comment'])
        expect((await raw(path, body)).status, bytes.join()).toBe(400);
    }
    expect(await read(id)).toMatchObject({ description: 'kept', comments: [] });
  });

  test('with odd values in any field, or without it, are refused, and change nothing', async () => {
    const others =
      'null true false -1 0 1.5 1e309 9007199254740992 18446744073709551616 [] [[]] {} {"$gt":0}';
    const texts = 'abc|| |1e3|0x1|-1|１|NaN|true|\u0000|1 or 1=1 --'
      .split('|')
      .map((text) => JSON.stringify(text));
    const odd = [undefined, ...others.split(' '), `[${'1,'.repeat(2_000)}1]`, ...texts];
    const optional: Record<string, unknown[]> = {
      existingPostId: [undefined, 'null', '""'],
      deleteImages: [undefined, 'null', '[]'],
      description: texts.filter((text) => text !== JSON.stringify('\0')),
      commentContent: texts.filter((text) => text !== JSON.stringify('\0')),
    };
    for (const [path, good] of Object.entries(await goodBodies())) {
      const before = await snapshot();
      for (const field of Object.keys(good)) {
        const rest = JSON.stringify({ ...good, [field]: undefined }).slice(1, -1);
        for (const value of odd) {
          if (optional[field]?.includes(value)) continue;
          const parts = [rest, value && `"${field}":${value}`].filter(Boolean);
          const { status } = await raw(path, `{${parts.join(',')}}`);
          expect([400, 404], `${path} ${field} ${value}`).toContain(status);
        }
      }
      expect(await snapshot()).toEqual(before);
    }
  });

  test('of another type than JSON are refused with 415', async () => {
    const types = ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'application/jsonx'];
    const odd = [
      'text/plain;application/json',
      'application/json\t,text/html',
      'multipart/form-data; boundary=x',
    ];
    for (const [path, good] of Object.entries(await goodBodies())) {
      const before = await snapshot();
      for (const type of [...types, ...odd])
        expect((await raw(path, JSON.stringify(good), type)).status, `${path} ${type}`).toBe(415);
      expect(await snapshot()).toEqual(before);
    }
  });

  test('of a hundred thousand brackets are refused within a second', async () => {
    const begun = performance.now();
    for (const text of ['['.repeat(100_000), '{"a":'.repeat(100_000), '['.repeat(1e5) + ']'.repeat(1e5)])
      expect((await raw('add/comment', text)).status).toBe(400);
    expect(performance.now() - begun).toBeLessThan(3_000);
  });

  test.for([96 * 2 ** 20, 10 * 2 ** 30])('of %d bytes are refused before they are read', async (length) => {
    for (const path of ['add/comment', 'create', 'add/media/image', 'add/media/video']) {
      const type = path.endsWith('video') ? 'multipart/form-data; boundary=x' : 'application/json';
      const { port } = new URL(server.base);
      const socket = connect(Number(port), 'localhost').setEncoding('latin1');
      const head = [
        `POST /api/posts/post/${path}/ HTTP/1.1`,
        `Host: localhost:${port}`,
        `Content-Type: ${type}`,
      ];
      const rest = [`Authorization: Bearer ${ann.access}`, `Content-Length: ${length}`, '', '{"postID":'];
      socket.write([...head, ...rest].join('\r\n'));
      const [answer] = (await once(socket, 'data')) as [string];
      socket.destroy();
      expect(answer.split('\r\n')[0]).toBe('HTTP/1.1 413 Payload Too Large');
    }
  });

  test('of strangers are refused with 401, whatever they hold', async () => {
    for (const [path, good] of Object.entries(await goodBodies())) {
      for (const body of [good, {}, 'junk'])
        expect((await call(server.base, `/api/posts/post/${path}/`, { body })).status, path).toBe(401);
    }
  });
});

const snapshot = (): Promise<unknown> =>
  ask(
    server.dataDir,
    `select id, text, likes_count, children_count, (select count(*) from likes) as likes,
      (select count(*) from media) as media, (select count(*) from jobs) as jobs from posts order by id`,
  );
