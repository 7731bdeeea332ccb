// Markup in texts and addresses stays text: answers are JSON and said to be nothing else, pages repeat nothing, and no
// address leads anywhere else or adds a header.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { listen } from '../support/likes-socket.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const SCRIPT = `<script>alert(1)</script><img src=x onerror=alert(2)>"'`;

let site: TestServer;
let ann: Person;
let id: number;
beforeAll(async () => {
  site = await startServer();
  ann = await join(site.base, { first_name: SCRIPT, last_name: SCRIPT });
  id = await say(site.base, ann, SCRIPT);
  await post('add/comment/', { postID: id, commentContent: SCRIPT });
  const [{ id: commentID }] = (await get(`/api/posts/post/${id}/`)).json.comments;
  await post('add/reply/', { commentID, commentContent: SCRIPT });
  await call(site.base, '/api/users/author/update/', { token: ann.access, body: { bio: SCRIPT } });
});
afterAll(() => site[Symbol.asyncDispose]());

const get = (path: string): Promise<Answer> => call(site.base, path, { token: ann.access });
const post = (path: string, body: object): Promise<Answer> =>
  call(site.base, `/api/posts/post/${path}`, { token: ann.access, body });

function expectOnlyJson({ headers }: Answer): void {
  expect(headers.get('content-type')).toMatch(/^application\/json\b/);
  expect(headers.get('x-content-type-options')).toBe('nosniff');
}

describe('a script in a text is a text', () => {
  test('in every answer that shows it', async () => {
    const post = await get(`/api/posts/post/${id}/`);
    const { auhtor, description, comments } = post.json;
    const shown = [auhtor.firstname, auhtor.lastname, auhtor.bio, description, comments[0].comment];
    expect([...shown, comments[0].replyes[0].reply]).toEqual(Array(6).fill(SCRIPT));
    for (const answer of [
      post,
      await get('/api/posts/'),
      await get('/api/posts/post/search?q=script'),
      await get('/api/users/author/'),
      await get(`/api/users/user/${ann.id}/`),
      await get(`/api/users/user/posts/${ann.id}/`),
      await sendChunk(site.base, ann, { filename: `${SCRIPT}.mp4`, bytes: Buffer.from('x') }),
    ]) {
      expect(answer.status).toBe(200);
      expect(answer.text).toContain(JSON.stringify(SCRIPT).slice(1, -1));
      expectOnlyJson(answer);
    }
  });

  test('in what is heard live', async () => {
    using listener = await listen(site.base);
    await post('add/like/', { postID: id });
    await listener.until((frame) => frame.post_id === id);
    expect(listener.frames.at(-1)?.post.description).toBe(SCRIPT);
  });
});

test.each([
  '/api/<>',
  '/api/posts/post/<>',
  '/api/posts/post/edit/<>',
  '/api/posts/post/search?q=<>',
  '/api/posts/?page=<>',
  '/api/users/user/<>/',
  '/api/<>?callback=<>',
])('a script in %s is answered as JSON', async (path) => {
  expectOnlyJson(await get(path.replaceAll('<>', encodeURIComponent(SCRIPT))));
});

test.each(['/<>', '/people/<>', '/posts/<>', '/search?q=<>', '/media/<>', '/assets/<>', '/signin?next=<>'])(
  'a script in %s is not repeated',
  async (path) => {
    const answer = await get(path.replaceAll('<>', encodeURIComponent(SCRIPT)));
    expect(answer.text).not.toMatch(/alert/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect(answer.headers.get('content-security-policy')).toContain("script-src 'self'");
  },
);

describe('an address leads nowhere else and adds no header', () => {
  const LINE = '%0d%0aX-Evil:%201%0d%0aLocation:%20//evil.example';
  test.each([
    ...['//evil.example', '//evil.example/', '//evil.example/..', '///evil.example', '/\\evil.example'],
    ...['/%5cevil.example', '/%2f%2fevil.example', '/%2f/evil.example/..', '/.//evil.example'],
    ...[
      '/assets//evil.example/',
      '/media//evil.example/..',
      '/people//evil.example',
      '/api/posts//evil.example/',
    ],
    ...['/?next=//evil.example', '/signin?next=https://evil.example', '/signin/?url=//evil.example'],
    ...[
      `/${LINE}`,
      `/?x=${LINE}`,
      `/people/${LINE}`,
      `/media/${LINE}`,
      `/assets/${LINE}`,
      `/api/posts/post/1${LINE}`,
    ],
    ...['/%0aX-Evil:1', '/%0dX-Evil:1', '/%E5%98%8A%E5%98%8DX-Evil:%201', '/%c4%8d%c4%8aX-Evil:%201'],
  ])('%s', async (target) => {
    const headers = ['Host: localhost', 'Accept: text/html', `Authorization: Bearer ${ann.access}`];
    const answer = await sendRaw(site.base, rawRequest(`GET ${target} HTTP/1.1`, headers));
    expect([200, 400, 404]).toContain(answer.status);
    expect(answer.headers['location']).toBeUndefined();
    expect(answer.headers['x-evil']).toBeUndefined();
    expect(answer.text).not.toContain('evil.example');
  });
});
