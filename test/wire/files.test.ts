// Stored files with ranges and validators, the default pictures, and never anything else.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const CLIP = '/media/samples/clip.mp4';
const content = Buffer.from(Array.from({ length: 1_000 }, (_, index) => index % 251));

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
  await store('samples/clip.mp4', content);
});
afterAll(() => site[Symbol.asyncDispose]());

async function store(key: string, bytes: Uint8Array): Promise<void> {
  const path = join(site.dataDir, 'media', key);
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, bytes);
}

async function get(path: string, headers: Record<string, string> = {}, method = 'GET') {
  const response = await fetch(site.base + path, { method, headers, redirect: 'manual' });
  return { response, status: response.status, bytes: Buffer.from(await response.arrayBuffer()) };
}

describe('a stored file', () => {
  test('comes whole, to be kept for ever', async () => {
    const { response, status, bytes } = await get(CLIP);
    expect(status).toBe(200);
    expect(bytes.equals(content)).toBe(true);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': '1000',
      'content-disposition': 'inline',
      'accept-ranges': 'bytes',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
      etag: expect.stringMatching(/^"[0-9a-f-]+"$/),
      'last-modified': expect.stringMatching(/GMT$/),
    });
  });

  test('answers HEAD with the headers alone', async () => {
    const whole = await get(CLIP);
    const head = await get(CLIP, {}, 'HEAD');
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    for (const name of [
      'content-type',
      'content-length',
      'etag',
      'last-modified',
      'accept-ranges',
      'cache-control',
    ])
      expect(head.response.headers.get(name), name).toBe(whole.response.headers.get(name));
  });

  test.each([
    ['jpg', 'image/jpeg'],
    ['png', 'image/png'],
    ['gif', 'image/gif'],
    ['MP4', 'video/mp4'],
    ['mov', 'video/quicktime'],
    ['webm', 'video/webm'],
    ['m3u8', 'application/vnd.apple.mpegurl'],
    ['m4s', 'video/iso.segment'],
    ['html', 'application/octet-stream'],
    ['svg', 'application/octet-stream'],
    ['js', 'application/octet-stream'],
    ['jpg.html', 'application/octet-stream'],
    ['', 'application/octet-stream'],
  ])('with the ending "%s" is %s and never guessed at', async (ending, type) => {
    await store(`samples/file.${ending}x`.replace(/x$/, ''), Buffer.from('<script>alert(1)</script>'));
    const { response, status } = await get(`/media/samples/file.${ending}`);
    expect(status).toBe(200);
    expect(response.headers.get('content-type')).toBe(type);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('that is empty is served empty', async () => {
    await store('samples/empty.mp4', Buffer.alloc(0));
    const { status, bytes } = await get('/media/samples/empty.mp4');
    expect([status, bytes.length]).toEqual([200, 0]);
    expect((await get('/media/samples/empty.mp4', { range: 'bytes=0-' })).status).toBe(416);
  });

  test('that is not there is a 404 that nobody keeps', async () => {
    for (const path of [
      '/media/samples/none.mp4',
      '/media/samples',
      '/media/samples/',
      '/media/',
      '/media',
    ]) {
      const { response, status, bytes } = await get(path);
      expect([status, bytes.toString()], path).toEqual([404, '{"detail":"Not found."}']);
      expect(response.headers.get('cache-control') ?? '').not.toContain('immutable');
    }
  });

  test('is only read', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      expect((await get(CLIP, {}, method)).status, method).toBe(404);
    }
    expect((await get(CLIP)).bytes.equals(content)).toBe(true);
  });
});

describe('a range', () => {
  test.each([
    ['bytes=0-9', 0, 9],
    ['bytes=500-500', 500, 500],
    ['bytes=990-', 990, 999],
    ['bytes=-10', 990, 999],
    ['bytes=-5000', 0, 999],
    ['bytes=0-', 0, 999],
    ['bytes=900-5000', 900, 999],
  ])('%s is a 206 of just that', async (range, start, end) => {
    const { response, status, bytes } = await get(CLIP, { range });
    expect(status).toBe(206);
    expect(bytes.equals(content.subarray(start, end + 1))).toBe(true);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/1000`);
    expect(response.headers.get('content-length')).toBe(String(end - start + 1));
    expect(response.headers.get('content-type')).toBe('video/mp4');
  });

  test.each(['bytes=1000-', 'bytes=5000-6000', 'bytes=-0'])(
    '%s is a 416 that tells the size',
    async (range) => {
      const { response, status } = await get(CLIP, { range });
      expect(status).toBe(416);
      expect(response.headers.get('content-range')).toBe('bytes */1000');
      expect(response.headers.get('cache-control') ?? '').not.toContain('immutable');
      expect(response.headers.get('content-type')).toContain('application/json');
    },
  );

  test.each(['bytes=abc', 'bytes', 'items=0-9', 'bytes=0-9,20-29', `bytes=${'0-0,'.repeat(2_000)}1-1`])(
    '%s is answered with the whole',
    async (range) => {
      const { status, bytes } = await get(CLIP, { range });
      expect(status).toBe(200);
      expect(bytes.equals(content)).toBe(true);
    },
  );

  test('of another version is answered with the whole (If-Range)', async () => {
    const { response } = await get(CLIP);
    const etag = response.headers.get('etag') ?? '';
    const modified = response.headers.get('last-modified') ?? '';
    const range = 'bytes=0-9';
    for (const same of [etag, modified])
      expect((await get(CLIP, { range, 'if-range': same })).status).toBe(206);
    for (const other of ['"other"', `W/${etag}`, new Date(0).toUTCString(), 'nonsense']) {
      expect((await get(CLIP, { range, 'if-range': other })).status, other).toBe(200);
    }
  });
});

// By hand, as `fetch` adds `Cache-Control: no-cache` to conditions, which asks for the whole.
test('a file that the browser has is a 304 without a body', async () => {
  const ask = (...headers: string[]) =>
    sendRaw(site.base, rawRequest(`GET ${CLIP} HTTP/1.1`, ['Host: localhost', ...headers]));
  const { headers: whole } = await ask();
  const { etag, 'last-modified': modified } = whole;
  for (const condition of [
    [`If-None-Match: ${etag}`],
    [`If-None-Match: "other", W/${etag}`],
    ['If-None-Match: *'],
    [`If-Modified-Since: ${modified}`],
    [`If-None-Match: ${etag}`, 'Range: bytes=0-9'],
    [`If-None-Match: ${etag}`, 'Cache-Control: max-age=0'],
  ]) {
    const { status, body, headers } = await ask(...condition);
    expect([status, body], condition.join()).toEqual([304, '']);
    expect(headers['etag']).toBe(etag);
    expect(headers['cache-control']).toContain('immutable');
  }
  for (const condition of [
    ['If-None-Match: "other"'],
    ['If-None-Match: "other"', `If-Modified-Since: ${modified}`],
    [`If-Modified-Since: ${new Date(0).toUTCString()}`],
    [`If-None-Match: ${etag}`, 'Cache-Control: no-cache'],
  ])
    expect((await ask(...condition)).status, condition.join()).toBe(200);
});

test.each(['default_profile_picture.png', 'default_cover_image.png'])('%s is a picture', async (name) => {
  const { response, status, bytes } = await get(`/media/${name}`);
  expect(status).toBe(200);
  expect(response.headers.get('content-type')).toBe('image/png');
  expect((await sharp(bytes).metadata()).format).toBe('png');
  const head = await get(`/media/${name}`, {}, 'HEAD');
  expect([head.status, head.bytes.length]).toEqual([200, 0]);
  expect(head.response.headers.get('content-length')).toBe(String(bytes.length));
});

describe('nothing outside is served', () => {
  const UP = [
    '../',
    '..%2f',
    '..%2F',
    '%2e%2e/',
    '%2e%2e%2f',
    '.%2e/',
    '..\\',
    '..%5c',
    '%252e%252e%252f',
    '..%c0%af',
    '..%ef%bc%8f',
    '....//',
    '..;/',
    '..%00/',
    './/..//',
  ];
  const ROOTS = ['/', '/media/', '/media/samples/', '/assets/', '//', '/media//', '/api/', '/media/%2f'];
  const TARGETS = [
    'veranda.db',
    'secret-key',
    'uploads/draft',
    'package.json',
    'src/config.ts',
    'etc/passwd',
    '.env',
    '.git/config',
  ];

  test.each(UP)('up by %s', async (up) => {
    await mkdir(join(site.dataDir, 'uploads'), { recursive: true });
    await writeFile(join(site.dataDir, 'uploads', 'draft'), 'half a video');
    const secret = await readFile(join(site.dataDir, 'secret-key'), 'utf8');
    for (const root of ROOTS) {
      const paths = TARGETS.flatMap((target) => [1, 3, 12].map((depth) => root + up.repeat(depth) + target));
      const answers = await Promise.all(
        paths.map((path) => sendRaw(site.base, rawRequest(`GET ${path} HTTP/1.1`))),
      );
      for (const [index, { status, text }] of answers.entries()) {
        expect([400, 404], paths[index]).toContain(status);
        expect(text).not.toContain(secret);
        expect(text).not.toMatch(/SQLite format|half a video|root:|"veranda"|\[core\]/);
      }
    }
  });

  test.each([
    '/veranda.db',
    '/data/veranda.db',
    '/media/veranda.db',
    '/secret-key',
    '/.env',
    '/.git/config',
    '/package.json',
    '/src/main.ts',
    '/web/index.html',
    '/assets/',
    '/media/.hidden',
    '/media/samples/.hidden',
    '/media//etc/passwd',
    '/media/%2fetc%2fpasswd',
    '/media/samples%2Fclip.mp4%00.png',
    `/media/${'a'.repeat(400)}`,
    `/media/${'a/'.repeat(200)}a`,
  ])('at %s', async (path) => {
    await store('.hidden', Buffer.from('x'));
    await store('samples/.hidden', Buffer.from('x'));
    expect((await sendRaw(site.base, rawRequest(`GET ${path} HTTP/1.1`))).status).toBe(404);
  });
});
