// Who may ask: pages of allowed origins, under the names that this site has; and the headers that every answer carries.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { call, join, type Person } from '../support/classic-client.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const PAGE = 'http://localhost:3000';
const DEPLOYED = 'https://front.example.org';
const PICTURE = '/media/default_profile_picture.png';

let site: TestServer;
let ann: Person;
beforeAll(async () => {
  site = await startServer({ CORS_ALLOWED_ORIGINS: `${PAGE},${DEPLOYED}` });
  ann = await join(site.base);
});
afterAll(() => site[Symbol.asyncDispose]());

const ANSWERS: [what: string, method: string, path: string, status: number][] = [
  ['a success', 'GET', '/api/posts/post/search?q=x', 200],
  ['a refused token', 'GET', '/api/users/author/', 401],
  ['a missing post', 'GET', '/api/posts/post/999999', 404],
  ['an unknown path', 'GET', '/nothing/here', 404],
  ['a wrong method', 'GET', '/api/users/user/token/', 405],
  ['a bad form', 'POST', '/api/users/user/token/', 400],
  ['a picture', 'GET', PICTURE, 200],
  ['a missing file', 'GET', '/media/hls/none/master.m3u8', 404],
];
const ask = ([, method, path]: (typeof ANSWERS)[number], headers: Record<string, string>) =>
  call(site.base, path, { method, headers, ...(method === 'POST' && { body: {} }) });
const varies = (headers: Headers): string[] =>
  (headers.get('vary') ?? '').split(',').map((name) => name.trim().toLowerCase());

describe.each(ANSWERS)('%s', (...answer) => {
  test.each([PAGE, DEPLOYED])('may be read by a page of %s', async (origin) => {
    const { status, headers } = await ask(answer, { origin });
    expect(status).toBe(answer[3]);
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
    expect(varies(headers)).toContain('origin');
  });

  test('may not be read by a page of another origin', async () => {
    const others = [
      'https://evil.example',
      'null',
      'https://localhost:3000',
      'http://localhost:30000',
      'http://localhost:3000.evil.example',
      'http://evil.example#http://localhost:3000',
      `${PAGE}, ${PAGE}`,
    ];
    for (const origin of others) {
      const { status, headers } = await ask(answer, { origin });
      expect(status).toBe(answer[3]);
      expect(headers.get('access-control-allow-origin'), origin).toBeNull();
      expect(varies(headers)).toContain('origin');
    }
  });

  test('has safe headers, and none that keeps other origins from showing pictures', async () => {
    const { headers } = await ask(answer, {});
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('same-origin');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('cross-origin-resource-policy')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
    expect(varies(headers)).toContain('origin');
  });
});

describe('a preflight', () => {
  const preflight = (path: string, origin: string) =>
    call(site.base, path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });

  test.each([
    '/api/users/author/',
    '/api/posts/post/1',
    '/api/posts/post/create/',
    '/media/hls/1/master.m3u8',
    '/ws/posts/likes/',
    '/not/a/path',
    '/',
  ])('of %s is allowed, with an empty body', async (path) => {
    const answer = await preflight(path, PAGE);
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(answer.headers.get('access-control-allow-origin')).toBe(PAGE);
    expect(answer.headers.get('access-control-allow-headers')).toBe(
      'accept, accept-encoding, authorization, content-type, dnt, origin, user-agent, x-csrftoken, x-requested-with',
    );
    expect(answer.headers.get('access-control-allow-methods')).toBe('DELETE, GET, OPTIONS, PATCH, POST, PUT');
    expect(answer.headers.get('access-control-max-age')).toBe('86400');
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(varies(answer.headers)).toContain('origin');
  });

  test('of another origin is told nothing', async () => {
    const answer = await preflight('/api/users/author/', 'https://evil.example');
    expect([answer.status, answer.text]).toEqual([200, '']);
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('needs no token and does nothing', async () => {
    const path = `/api/users/user/follower/add/${ann.id}/`;
    expect((await preflight(path, PAGE)).status).toBe(200);
    expect((await call(site.base, path, { method: 'OPTIONS' })).status).toBe(200);
  });

  test('lets the page read where a list goes on and how long to wait', async () => {
    const { headers } = await call(site.base, '/api/users/author/', { headers: { origin: PAGE } });
    expect(headers.get('access-control-expose-headers')).toMatch(/^Link, Retry-After\b/);
  });
});

describe('a host name', () => {
  const askAs = (base: string, headers: string[], target = '/api/posts/post/search?q=x') =>
    sendRaw(base, rawRequest(`GET ${target} HTTP/1.1`, headers));

  test.each([
    'localhost',
    'localhost:8000',
    'LOCALHOST',
    'localhost.',
    '127.0.0.1',
    '127.0.0.1:80',
    '[::1]:9',
  ])('%s is served', async (host) => {
    expect((await askAs(site.base, [`Host: ${host}`])).status).toBe(200);
  });

  test.each([
    'evil.example',
    'evil.example:8000',
    'localhost.evil.example',
    'evil-localhost',
    'localhost@evil.example',
    'evil.example#localhost',
    'localhost, evil.example',
    'localhost:80:80',
    'localhost:x',
    '0.0.0.0',
    '',
  ])('"%s" is refused and not repeated', async (host) => {
    for (const target of ['/api/posts/post/search?q=x', PICTURE, '/', '/nothing']) {
      const answer = await askAs(site.base, [`Host: ${host}`], target);
      expect(answer.status).toBe(400);
      expect(answer.text).not.toMatch(/evil/);
    }
  });

  test('must be given, once', async () => {
    expect((await askAs(site.base, [])).status).toBe(400);
    expect((await sendRaw(site.base, 'GET / HTTP/1.0\r\n\r\n')).status).toBe(400);
    for (const hosts of [
      ['Host: evil.example', 'Host: localhost'],
      ['Host: localhost', 'Host: evil.example'],
    ]) {
      const answer = await askAs(site.base, hosts);
      expect([200, 400]).toContain(answer.status);
      expect(answer.text).not.toMatch(/evil/);
    }
  });

  test('is not taken from any other header, nor told to anybody', async () => {
    const forged = ['X-Forwarded-Host: evil.example', 'Forwarded: host=evil.example', 'X-Host: evil.example'];
    const answer = await askAs(site.base, ['Host: localhost', ...forged]);
    expect(answer.status).toBe(200);
    expect(answer.text).not.toMatch(/evil/);
    const refused = await askAs(site.base, ['Host: evil.example', 'X-Forwarded-Host: localhost']);
    expect(refused.status).toBe(400);
  });

  test('in the target itself leads nowhere else', async () => {
    expect(
      (await askAs(site.base, ['Host: localhost'], 'http://localhost:8000/api/posts/post/search?q=x')).status,
    ).toBe(200);
    for (const target of [
      'http://evil.example/',
      'http://evil.example/api/users/author/',
      '//evil.example/%2e%2e',
    ]) {
      const answer = await askAs(site.base, ['Host: localhost'], target);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(answer.headers['location']).toBeUndefined();
      expect(answer.text).not.toMatch(/evil/);
    }
  });

  test('of a domain may have any name below it, when the operator says so', async () => {
    await using wide = await startServer({ ALLOWED_HOSTS: '.example.org, Site.example.net' });
    for (const host of ['example.org', 'a.example.org', 'a.b.example.org:443', 'site.example.net']) {
      expect((await askAs(wide.base, [`Host: ${host}`])).status, host).toBe(200);
    }
    for (const host of ['localhost', 'badexample.org', 'example.org.evil.example', 'x.site.example.net']) {
      expect((await askAs(wide.base, [`Host: ${host}`])).status, host).toBe(400);
    }
  });

  test('no line can be put into a header of the answer', async () => {
    for (const path of [
      '/%0d%0aX-Evil:%201',
      '/media/%0d%0aX-Evil:%201',
      '/api/posts/post/1%0d%0aX-Evil:1',
    ]) {
      const answer = await askAs(site.base, ['Host: localhost', `Origin: ${PAGE}%0d%0aX-Evil: 1`], path);
      expect(answer.headers['x-evil']).toBeUndefined();
      expect(answer.headers['location']).toBeUndefined();
      expect(answer.status).toBe(404);
    }
  });
});
