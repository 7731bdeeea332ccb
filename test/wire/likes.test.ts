// Likes on posts, comments and replies: toggles on the classic routes, `PUT` and `DELETE` beside them.
import { afterAll, beforeAll, expect, test } from 'vitest';
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

const send = (path: string, body: unknown, person: Person | undefined = ann): Promise<Answer> =>
  call(server.base, `/api/posts/post/add/${path}/`, { token: person.access, body });
// oxlint-disable-next-line typescript/no-explicit-any
const read = async (id: number): Promise<any> => (await call(server.base, `/api/posts/post/${id}/`)).json;
const idsOf = (likes: { id: number }[]): number[] => likes.map(({ id }) => id);

/** A post with a comment and a reply, and how each of the three is liked. */
async function thread() {
  const postID = await say(server.base, ann, 'a thread');
  await send('comment', { postID, commentID: postID, authorID: bob.id, commentContent: 'a comment' }, bob);
  const commentID: number = (await read(postID)).comments[0].id;
  await send('reply', { postID, commentID, authorID: ann.id, commentContent: 'a reply' });
  const replyID: number = (await read(postID)).comments[0].replyes[0].id;
  return {
    ...{ postID, commentID, replyID },
    levels: [
      { route: 'like', id: postID, body: { postID }, sentence: 'Like was added scucessfully' },
      {
        route: 'comment/like',
        id: commentID,
        body: { postID, commentID },
        sentence: 'Like addeed to comment',
      },
      {
        route: 'reply/like',
        id: replyID,
        body: { postID, commentID: replyID },
        sentence: 'Like addeed to comment',
      },
    ],
    async likes(): Promise<Record<string, number[]>> {
      const post = await read(postID);
      const [comment] = post.comments;
      return {
        like: idsOf(post.likes),
        'comment/like': idsOf(comment.likes),
        'reply/like': idsOf(comment.replyes[0].likes),
      };
    },
  };
}

test('a like toggles on each level and answers the sentence of its route', async () => {
  const { levels, likes } = await thread();
  for (const { route, body, sentence } of levels) {
    const answer = await send(route, { ...body, authorID: ann.id, author: ann.id });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual([sentence]);
    expect(answer.headers.get('content-type')).toBe('application/json');
    await send(route, body, bob);
    expect((await likes())[route]).toEqual([ann.id, bob.id]);
    await send(route, body);
    expect((await likes())[route]).toEqual([bob.id]);
  }
});

test('a like is of the one whose token it is, whoever the body names', async () => {
  const { levels, likes } = await thread();
  for (const { route, body } of levels) {
    await send(route, body, bob);
    for (const [turn, author] of [bob.id, String(bob.id), null, 'nobody', undefined].entries()) {
      expect((await send(route, { ...body, author, authorID: author, userID: author })).status).toBe(200);
      expect((await likes())[route]).toEqual(turn % 2 === 0 ? [ann.id, bob.id] : [bob.id]);
    }
  }
});

test('the first five likers are shown whole, the others as ids', async () => {
  const people: Person[] = [];
  for (let count = 0; count < 7; count += 1) people.push(await join(server.base));
  const id = await say(server.base, ann, 'well liked');
  await Promise.all(people.map((person) => send('like', { postID: id }, person)));
  const { likes } = await read(id);
  expect(idsOf(likes)).toEqual(people.map((person) => person.id));
  for (const [place, like] of likes.entries()) {
    if (place < 5)
      expect(like).toMatchObject({ firstname: 'Ann', profile_picture: expect.any(String), email: '' });
    else expect(Object.keys(like)).toEqual(['id']);
  }
});

test('everybody in a thread is shown as they are now, also in a post that was read before', async () => {
  const [author, guest] = [await join(server.base), await join(server.base)];
  const postID = await say(server.base, author, 'read before');
  await send('comment', { postID, commentContent: 'a comment' }, guest);
  const [{ id: commentID }] = (await read(postID)).comments;
  await send('reply', { postID, commentID, commentContent: 'a reply' }, guest);
  await send('like', { postID }, guest);
  await read(postID);
  for (const { access } of [author, guest])
    await call(server.base, '/api/users/author/update/', { token: access, body: { first_name: 'Renamed' } });
  const [latest] = (await call(server.base, '/api/posts/?page=1', { token: ann.access })).json;
  for (const post of [await read(postID), latest]) {
    const [comment] = post.comments;
    for (const person of [post.auhtor, post.likes[0], comment.author, comment.replyes[0].author])
      expect(person.firstname).toBe('Renamed');
  }
});

test.for([51, 50, 2])(
  '%d toggles at once leave the parity of the answers, one row at most',
  async (count) => {
    const { levels, likes } = await thread();
    for (const { route, id, body } of levels) {
      const answers = await Promise.all(Array.from({ length: count }, () => send(route, body)));
      for (const { status } of answers) expect(status).toBe(200);
      const expected = count % 2 === 0 ? [] : [ann.id];
      expect((await likes())[route]).toEqual(expected);
      expect(await counted(id)).toEqual({ rows: expected.length, counter: expected.length });
    }
  },
);

test('likes and unlikes of several people at once keep every count equal to its rows', async () => {
  const people = [ann, bob, await join(server.base), await join(server.base)];
  const { levels, likes } = await thread();
  for (const { route, id, body } of levels) {
    const toggles = people.flatMap((person, index) => Array.from({ length: 5 + index }, () => person));
    const answers = await Promise.all(toggles.map((person) => send(route, body, person)));
    for (const { status } of answers) expect(status).toBe(200);
    const odd = people.filter((_, index) => (5 + index) % 2 === 1).map((person) => person.id);
    expect(new Set((await likes())[route])).toEqual(new Set(odd));
    expect(await counted(id)).toEqual({ rows: odd.length, counter: odd.length });
  }
});

test('PUT and DELETE say what shall be, so a repeat changes nothing', async () => {
  const { postID, likes } = await thread();
  const set = (method: string, person?: Person): Promise<Answer> =>
    call(server.base, `/api/posts/post/${postID}/like/`, { method, token: person?.access });
  expect((await set('PUT')).status).toBe(401);
  for (const [method, expected] of [
    ['PUT', [bob.id]],
    ['DELETE', []],
  ] as const) {
    const answers = await Promise.all(Array.from({ length: 6 }, () => set(method, bob)));
    for (const { status } of answers) expect(status).toBe(200);
    expect((await likes())['like']).toEqual(expected);
    expect(await counted(postID)).toEqual({ rows: expected.length, counter: expected.length });
  }
});

test('what is not there, or is something else, cannot be liked', async () => {
  const { postID, commentID, replyID, likes } = await thread();
  const wrong: [string, object][] = [
    ['like', { postID: 999_999 }],
    ['like', { postID: commentID }],
    ['like', { postID: replyID }],
    ['comment/like', { postID, commentID: 999_999 }],
    ['comment/like', { postID, commentID: postID }],
    ['comment/like', { postID, commentID: replyID }],
    ['reply/like', { postID, commentID: 999_999 }],
    ['reply/like', { postID, commentID }],
    ['reply/like', { postID, commentID: postID }],
  ];
  for (const [route, body] of wrong) {
    const { status, json } = await send(route, body);
    expect({ status, json }).toEqual({ status: 404, json: { error: expect.any(String) } });
  }
  expect(await likes()).toEqual({ like: [], 'comment/like': [], 'reply/like': [] });
});

test('ids may be decimal text, in one spelling only', async () => {
  const { levels, likes } = await thread();
  for (const { route, id, body } of levels) {
    const key = route === 'like' ? 'postID' : 'commentID';
    const odd = [
      `0x${id.toString(16)}`,
      `${id}.0`,
      `+${id}`,
      `0${id}`,
      ` ${id}`,
      `${id} `,
      `${id}\0`,
      `${id}abc`,
    ];
    const others = [id + 0.5, -id, 0, 2 ** 64, String(2n ** 64n + BigInt(id)), [id], { id }, true, null, ''];
    for (const spelling of [...odd, ...others])
      expect((await send(route, { ...body, [key]: spelling })).status, JSON.stringify(spelling)).toBe(400);
    expect((await likes())[route]).toEqual([]);
    expect((await send(route, { ...body, [key]: String(id) })).status).toBe(200);
    expect((await likes())[route]).toEqual([ann.id]);
  }
});

/** Rows in the table beside the counter that is kept with them. */
async function counted(id: number): Promise<unknown> {
  const query =
    'select (select count(*) from likes where post_id = ?) as rows, likes_count as counter from posts where id = ?';
  return (await ask(server.dataDir, query, id, id))[0];
}
