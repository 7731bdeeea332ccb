// What caches may keep: public files, and nothing else. What they may keep depends on no header that they do not know of.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Answer, call, join, type Person } from '../support/classic-client.ts';
import { FOR_ALL_TO_READ, FOR_MEMBERS, FORMS } from '../support/classic-routes.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const IMMUTABLE = 'public, max-age=31536000, immutable';
const ASSETS = fileURLToPath(new URL('../../web/dist/assets/', import.meta.url));

let site: TestServer;
let ann: Person;
beforeAll(async () => {
  site = await startServer();
  ann = await join(site.base);
  await mkdir(joinPath(site.dataDir, 'media/videos'), { recursive: true });
  await writeFile(joinPath(site.dataDir, 'media/videos/clip.mp4'), 'a video');
});
afterAll(() => site[Symbol.asyncDispose]());

describe('is kept by nobody:', () => {
  test.each([...FOR_MEMBERS, ...FOR_ALL_TO_READ, ...FORMS])('%s %s', async (method, path) => {
    const body = method === 'POST' ? { body: {} } : {};
    for (const token of [ann.access, 'none that is good', undefined]) {
      const { headers } = await call(site.base, path, { method, token, ...body });
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  test.each([
    ['an address that is none', 'GET /nothing HTTP/1.1', ['Host: localhost']],
    ['an address of the API that is none', 'GET /api/nothing HTTP/1.1', ['Host: localhost']],
    ['a file that is not there', 'GET /media/videos/none.mp4 HTTP/1.1', ['Host: localhost']],
    ['a range that is none', 'GET /media/videos/clip.mp4 HTTP/1.1', ['Host: localhost', 'Range: bytes=99-']],
    ['a wrong method', 'POST /media/videos/clip.mp4 HTTP/1.1', ['Host: localhost']],
    ['a wrong host', 'GET /media/videos/clip.mp4 HTTP/1.1', ['Host: evil.example']],
    ['an address that cannot be read', 'GET /%zz HTTP/1.1', ['Host: localhost']],
    ['an address that is too long', `GET /${'x'.repeat(100_000)} HTTP/1.1`, ['Host: localhost']],
    ['what is no HTTP', 'nonsense', []],
  ])('%s', async (_, line, headers) => {
    const answer = await sendRaw(site.base, rawRequest(line, headers));
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers['cache-control']).toBe('no-store');
  });
});

describe('may be kept,', () => {
  const ask = async (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    call(site.base, path, { headers });
  const files = async (): Promise<[path: string, kept: string][]> => [
    ['/media/videos/clip.mp4', IMMUTABLE],
    ...(await readdir(ASSETS))
      .filter((name) => /\.(?:js|css)$/.test(name))
      .map((name): [string, string] => [`/assets/${name}`, IMMUTABLE]),
    ['/media/default_profile_picture.png', 'public, max-age=86400'],
    ['/', 'no-cache'],
  ];

  test('as long as it stays the same', async () => {
    for (const [path, kept] of await files())
      expect((await ask(path)).headers.get('cache-control'), path).toBe(kept);
  });

  test('and is the same whatever a request says in headers that no cache looks at', async () => {
    const unheard: Record<string, string>[] = [
      { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'http', forwarded: 'host=evil.example' },
      { 'x-original-url': '/api/posts/', 'x-rewrite-url': '/api/posts/', 'x-http-method-override': 'POST' },
      { authorization: `Bearer ${ann.access}`, cookie: 'token=x' },
      {
        'user-agent': 'evil',
        'accept-language': 'de',
        accept: 'application/json',
        referer: 'http://evil.example',
      },
    ];
    for (const [path] of await files()) {
      const plain = await ask(path);
      for (const headers of unheard) {
        const answer = await ask(path, headers);
        expect([answer.status, answer.text === plain.text], path).toEqual([200, true]);
        for (const name of ['content-type', 'etag', 'vary', 'cache-control', 'location', 'set-cookie'])
          expect(answer.headers.get(name), `${path} ${name}`).toBe(plain.headers.get(name));
      }
    }
  });

  test('unless it differs by a header that the answer names', async () => {
    for (const accept of ['text/html', 'application/json']) {
      const { headers } = await ask('/nothing', { accept });
      expect(headers.get('vary')).toMatch(/\bAccept\b/);
    }
  });
});
