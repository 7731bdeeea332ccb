// Refusals over the classic wire: the form of each kind, on every route, and nothing of the inside in any of them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, form, join, type Person, say } from '../support/classic-client.ts';
import {
  FOR_ALL_TO_READ,
  FOR_MEMBERS,
  FORMS,
  JSON_POSTS,
  READS,
  type Route,
} from '../support/classic-routes.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

const HOUR = 3_600_000;
const NO_CREDENTIALS = { detail: 'Authentication credentials were not provided.' };
const wrongToken = (message: string): object => ({
  detail: 'Given token not valid for any token type',
  code: 'token_not_valid',
  messages: [{ token_class: 'AccessToken', token_type: 'access', message }],
});

let clock = Date.now();
let site: TestServer;
let ann: Person;
let postId: number;
beforeAll(async () => {
  site = await startServer({}, { now: () => clock });
  ann = await join(site.base);
  postId = await say(site.base, ann, 'still here');
});
afterAll(() => site[Symbol.asyncDispose]());

const send = (
  route: Route,
  more: { token?: string; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  call(site.base, route[1], { method: route[0], ...more, ...(route[0] === 'POST' && { body: {} }) });

function expectUnauthenticated(answer: Answer, body: object): void {
  expect(answer.status).toBe(401);
  expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="api"');
  expect(answer.headers.get('content-type')).toBe('application/json');
  expect(answer.json).toEqual(body);
}

describe.each(FOR_MEMBERS)('%s %s', (...route) => {
  test('without a token is a 401 that changes nothing', async () => {
    expectUnauthenticated(await send(route), NO_CREDENTIALS);
    expectUnauthenticated(
      await send(route, { headers: { authorization: 'Basic YW5uOmFubg==' } }),
      NO_CREDENTIALS,
    );
    expect((await call(site.base, `/api/posts/post/${postId}`)).json.likes).toEqual([]);
  });

  test('with a token that is none is a 401', async () => {
    const answer = await send(route, { token: 'decryptedAccessToken' });
    expectUnauthenticated(answer, wrongToken('Token is invalid or expired'));
    expectUnauthenticated(await send(route, { token: ann.refresh }), wrongToken('Token has wrong type'));
  });
});

describe.each(FOR_ALL_TO_READ)('%s %s', (...route) => {
  test('is for everybody, but a token must be good', async () => {
    expect((await send(route)).status).toBe(200);
    expect((await send(route, { headers: { authorization: 'Basic YTph' } })).status).toBe(200);
    const answer = await send(route, { token: 'decryptedAccessToken' });
    expectUnauthenticated(answer, wrongToken('Token is invalid or expired'));
  });
});

describe('a 401 tells', () => {
  test.each(['Bearer', 'Bearer ', 'Bearer one two'])('that "%s" is not two words', async (authorization) => {
    expectUnauthenticated(await send(['GET', '/api/users/author/'], { headers: { authorization } }), {
      detail: 'Authorization header must contain two space-delimited values',
      code: 'bad_authorization_header',
    });
  });

  test('that a token has expired', async () => {
    const { access } = await join(site.base);
    clock += 2 * HOUR;
    const answer = await send(['GET', '/api/users/author/'], { token: access });
    expectUnauthenticated(answer, wrongToken('Token is invalid or expired'));
    clock -= 2 * HOUR;
  });

  test('that the user is inactive or gone', async () => {
    const { username, access } = await join(site.base);
    await site.app.users.accounts.setSuspended({ username, suspended: true });
    const inactive = await send(['GET', '/api/users/author/'], { token: access });
    expectUnauthenticated(inactive, { detail: 'User is inactive', code: 'user_inactive' });
    await ask(
      site.dataDir,
      'delete from profiles where user_id = (select id from users where username = ?)',
      username,
    );
    await ask(
      site.dataDir,
      'delete from sessions where user_id = (select id from users where username = ?)',
      username,
    );
    await ask(site.dataDir, 'delete from users where username = ?', username);
    const gone = await send(['GET', '/api/users/author/'], { token: access });
    expectUnauthenticated(gone, { detail: 'User not found', code: 'user_not_found' });
  });
});

describe('what is not found', () => {
  test('is not told to whoever has no token', async () => {
    for (const path of [
      '/api/users/user/999999/',
      '/api/users/user/1abc/',
      '/api/posts/post/delete/999999/',
    ]) {
      expectUnauthenticated(await call(site.base, path), NO_CREDENTIALS);
    }
  });

  test.each([
    '/api/users/user/999999/',
    '/api/users/user/posts/999999/',
    '/api/users/user/follower/add/999999/',
    '/api/posts/post/edit/999999',
    '/api/posts/post/delete/999999/',
    '/api/posts/post/edit/1abc/',
  ])('GET %s', async (path) => {
    const answer = await call(site.base, path, { token: ann.access });
    expect([answer.status, answer.text]).toEqual([404, '{"detail":"Not found."}']);
  });

  test.each([
    '/api/posts/post/999999',
    '/api/posts/post/999999/',
    '/api/posts/post/1abc',
    '/api/posts/post/0x1',
  ])('GET %s, in words of its own', async (path) => {
    const answer = await call(site.base, path);
    expect([answer.status, answer.text]).toEqual([404, '{"error":"Post not found"}']);
  });

  test.each(['/api/', '/api/nothing/', '/api/users/user/1', '/admin/', '/.env'])(
    'GET %s, as JSON even for who would rather read HTML',
    async (path) => {
      const headers = { accept: path.startsWith('/api') ? 'text/html' : '*/*' };
      const answer = await call(site.base, path, { token: ann.access, headers });
      expect([answer.status, answer.json]).toEqual([404, { detail: 'Not found.' }]);
    },
  );

  test('POST without the slash at the end', async () => {
    for (const [, path] of [...JSON_POSTS, ...FORMS]) {
      const answer = await send(['POST', path.slice(0, -1)], { token: ann.access });
      expect(answer.status, path).toBeGreaterThanOrEqual(404);
      expect(answer.status, path).toBeLessThanOrEqual(405);
    }
  });
});

describe('a wrong method', () => {
  test.each([...JSON_POSTS, ...FORMS])('%s %s answers GET with 405', async (_, path) => {
    const answer = await call(site.base, path, { token: ann.access });
    expect([answer.status, answer.text]).toEqual([405, '{"detail":"Method \\"GET\\" not allowed."}']);
    expect(answer.headers.get('allow')).toBe('POST, OPTIONS');
  });

  test.each(READS.filter(([, path]) => !path.includes('?')))(
    '%s %s answers POST with 405',
    async (_, path) => {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
        const answer = await call(site.base, path, { method, token: ann.access });
        expect([answer.status, answer.json]).toEqual([405, { detail: `Method "${method}" not allowed.` }]);
        expect(answer.headers.get('allow')).toBe('GET, OPTIONS');
      }
    },
  );

  test('is not made another by a header or a query', async () => {
    const headers = { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' };
    await call(site.base, `/api/posts/post/${postId}/?_method=DELETE`, { token: ann.access, headers });
    expect((await call(site.base, `/api/posts/post/${postId}`)).status).toBe(200);
  });

  test.each(['TRACE', 'CONNECT', 'PROPFIND', 'BREW'])('%s is refused', async (method) => {
    const answer = await sendRaw(site.base, rawRequest(`${method} /api/posts/post/${postId}/ HTTP/1.1`));
    expect([400, 404, 405, 501]).toContain(answer.status || 400);
    expect((await call(site.base, `/api/posts/post/${postId}`)).status).toBe(200);
  });
});

describe('a POST that is wrong', () => {
  const BROKEN = [
    '',
    '{',
    '}',
    '[1,',
    '{"a"}',
    "{'a':1}",
    '{"a":1,}',
    'undefined',
    'NaN',
    'nul',
    '"\\ud8"',
    '{"a":1}x',
  ];

  test.each([...JSON_POSTS, ...FORMS])('%s %s: broken JSON is a 400', async (_, path) => {
    for (const body of BROKEN) {
      const answer = await fetch(site.base + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${ann.access}`, 'content-type': 'application/json' },
        body,
      });
      expect([answer.status, await answer.json()], body).toEqual([
        400,
        { error: 'The request body could not be read.' },
      ]);
    }
  });

  test.each(JSON_POSTS.slice(1))('%s %s: what is no JSON at all is a 415', async (_, path) => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense']) {
      const answer = await fetch(site.base + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${ann.access}`, 'content-type': type },
        body: `{"postID":${postId}}`,
      });
      expect([answer.status, await answer.json()], type).toEqual([
        415,
        { error: 'Unsupported media type in request.' },
      ]);
    }
    const answer = await call(site.base, path, { token: ann.access, body: form({ postID: String(postId) }) });
    expect(answer.status).toBe(415);
  });

  test.each<[path: string, body: object, answer: [status: number, error: string | RegExp]]>([
    ['create/', {}, [400, /^description: /]],
    ['create/', { description: 5 }, [400, /^description: /]],
    ['create/', { description: 'x', existingPostId: 999_999 }, [404, 'Not found.']],
    [
      'create/',
      { description: 'x', existingPostId: 'abc' },
      [400, 'existingPostId: A valid id is required.'],
    ],
    ['add/like/', {}, [400, 'postID: A valid id is required.']],
    ['add/like/', { postID: null }, [400, 'postID: A valid id is required.']],
    ['add/like/', { postID: 1.5 }, [400, 'postID: A valid id is required.']],
    ['add/like/', { postID: 999_999 }, [404, 'Not found.']],
    ['add/comment/', { postID: 999_999, commentContent: 'x' }, [404, 'Not found.']],
    ['add/reply/', { commentID: 999_999, commentContent: 'x' }, [404, 'Not found.']],
    ['add/comment/like/', { commentID: 999_999 }, [404, 'Not found.']],
    ['add/reply/like/', { commentID: 999_999 }, [404, 'Not found.']],
    [
      'add/media/image/',
      { postID: 1, imageBase64: 'zzz' },
      [400, 'This is not a data URL with base64 data.'],
    ],
    ['add/media/video/finalize/', { postID: 1, videoID: 999_999 }, [404, 'Not found.']],
  ])('%s %j is a 4xx with one sentence', async (path, body, [status, error]) => {
    const answer = await call(site.base, `/api/posts/post/${path}`, { token: ann.access, body });
    expect([answer.status, Object.keys(answer.json)]).toEqual([status, ['error']]);
    expect(answer.json.error).toMatch(error);
  });

  test('is refused before it is read when it is too large, and when it is deep it is refused soon', async () => {
    const path = '/api/posts/post/add/comment/';
    const head = [`Host: localhost`, `Authorization: Bearer ${ann.access}`, 'Content-Type: application/json'];
    const declared = await sendRaw(
      site.base,
      rawRequest(`POST ${path} HTTP/1.1`, [...head, 'Content-Length: 10737418240']),
    );
    expect([declared.status, declared.body]).toEqual([413, '{"error":"The request body is too large."}']);
    const started = performance.now();
    const deep = '['.repeat(100_000);
    const answer = await sendRaw(
      site.base,
      rawRequest(`POST ${path} HTTP/1.1`, [...head, `Content-Length: ${deep.length}`]) + deep,
    );
    expect(answer.status).toBe(400);
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  test.each(['{"__proto__":{"postID":1}}', '{"constructor":{"prototype":{"x":1}}}'])(
    '%s is a 400',
    async (body) => {
      const answer = await fetch(`${site.base}/api/posts/post/add/like/`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ann.access}`, 'content-type': 'application/json' },
        body,
      });
      expect(answer.status).toBe(400);
    },
  );
});

test('pages that are none are the first, so that no GET signs the page out', async () => {
  const first = (await call(site.base, '/api/posts/', { token: ann.access })).text;
  for (const page of ['0', '-1', 'abc', '', '1e309', '1.5', '%00', '1&page=2']) {
    const answer = await call(site.base, `/api/posts/?page=${page}`, { token: ann.access });
    expect([answer.status, answer.text], page).toEqual([200, first]);
  }
  const far = await call(site.base, '/api/posts/?page=9223372036854775808', { token: ann.access });
  expect(far.status).toBe(200);
});

test('no refusal says what the server is made of', async () => {
  const answers = await Promise.all([
    send(['GET', '/api/users/author/']),
    send(['GET', '/nothing']),
    send(['POST', '/api/users/user/token/'], { headers: { 'content-type': 'nonsense' } }),
    call(site.base, '/api/posts/post/create/', { token: ann.access, body: { description: {} } }),
  ]);
  for (const { text, headers } of answers) {
    expect(text).not.toMatch(/fastify|zod|sqlite|node_modules|\.ts|at \w+ \(/i);
    expect(headers.get('server')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  }
});
