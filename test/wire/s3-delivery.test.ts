// Stored files of a site on S3: sent through the server, or by a signed address of the store.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get as request } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type BadNetwork, startBadNetwork } from '../support/bad-network.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { openStorage } from '../../src/platform/storage/open.ts';

const MIB = 2 ** 20;
const FOR_EVER = 'public, max-age=31536000, immutable';
const film = randomBytes(40 * MIB);
const picture = randomBytes(5_000);
const captions = Buffer.from('WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n');
const playlist = Buffer.from('#EXTM3U\n#EXTINF:6,\na.m4s\n');

let store: TestS3;
let network: BadNetwork;
let through: TestServer;
let redirecting: TestServer;
beforeAll(async () => {
  store = await startS3();
  network = await startBadNetwork(store.settings.endpoint);
  const storage = await openStorage(store.settings);
  await storage.drafts.write('film', { offset: 0 }, [film]);
  await storage.drafts.publish('film', { size: film.length, blobKey: 'hls/1/film.mp4' });
  await storage.blobs.put('pictures/a.png', picture);
  await storage.blobs.put('hls/1/a.m4s', picture);
  await storage.blobs.put('hls/1/master.m3u8', playlist);
  await storage.blobs.put('captions/1.vtt', captions);
  const env = { ...store.environment, S3_ENDPOINT: network.endpoint };
  through = await startServer(env);
  redirecting = await startServer({ ...env, S3_DELIVERY: 'redirect', S3_PUBLIC_ENDPOINT: network.endpoint });
});
afterAll(async () => {
  await through[Symbol.asyncDispose]();
  await redirecting[Symbol.asyncDispose]();
  await network[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});
afterEach(() => network.decide(() => 'pass'));

async function get({ base }: TestServer, path: string, init: RequestInit = {}) {
  const response = await fetch(`${base}/media/${path}`, { redirect: 'manual', ...init });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes };
}

describe('through the server', () => {
  test('a file comes with its type and in ranges', async () => {
    const whole = await get(through, 'pictures/a.png');
    expect([whole.status, whole.bytes.equals(picture)]).toEqual([200, true]);
    expect(whole.headers.get('content-type')).toBe('image/png');
    expect(whole.headers.get('cache-control')).toBe(FOR_EVER);
    const part = await get(through, 'hls/1/film.mp4', { headers: { range: 'bytes=8388600-8388620' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 8388600-8388620/${film.length}`,
    ]);
    expect(part.bytes.equals(film.subarray(8_388_600, 8_388_621))).toBe(true);
    expect((await get(through, 'pictures/absent.png')).status).toBe(404);
    expect((await get(through, '..%2fcheck')).status).toBe(404);
  });

  test('a client that reads slowly holds back what is fetched, and one that goes away ends it', async () => {
    const before = network.sent;
    const client = request(`${through.base}/media/hls/1/film.mp4`);
    const [answer] = await once(client, 'response');
    await once(answer, 'readable');
    // As much as lies in buffers on the way, and then no more.
    let sent = -1;
    await vi.waitFor(
      () => {
        const now = network.sent - before;
        const isStill = now === sent;
        sent = now;
        expect(isStill).toBe(true);
      },
      { interval: 500, timeout: 10_000 },
    );
    expect(sent).toBeLessThan(30 * MIB);
    expect(network.open).toBe(1);
    client.destroy();
    await vi.waitFor(() => expect(network.open).toBe(0));
  });

  test('bytes that break off between here and the store reach the client whole', async () => {
    let cuts = 3;
    network.decide(({ method }) => (method === 'GET' && (cuts -= 1) >= 0 ? 'cut' : 'pass'));
    const { bytes } = await get(through, 'hls/1/film.mp4');
    expect(bytes.equals(film)).toBe(true);
  });

  test('a store that does not let us in is answered as 503, which nobody keeps', async () => {
    network.decide(() => ({ status: 403, code: 'AccessDenied' }));
    const { status, headers, bytes } = await get(through, 'pictures/a.png');
    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('5');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(bytes.toString()).not.toContain('AccessDenied');
  });

  test('a store that fails between the look and the read is too', async () => {
    network.decide(({ method }) => (method === 'GET' ? { status: 403, code: 'AccessDenied' } : 'pass'));
    const { status, headers } = await get(through, 'pictures/a.png');
    expect([status, headers.get('cache-control'), headers.get('etag')]).toEqual([503, 'no-store', null]);
  });
});

describe('by an address of the store', () => {
  test.each(['pictures/a.png', 'hls/1/a.m4s'])('%s is fetched there', async (path) => {
    const { status, headers } = await get(redirecting, path);
    expect(status).toBe(302);
    expect(headers.get('cache-control')).toBe('private, max-age=1800');
    const location = headers.get('location') ?? '';
    expect(new URL(location).origin).toBe(network.endpoint);
    expect(location).not.toContain(store.settings.secretAccessKey);
    const there = await fetch(location);
    expect(Buffer.from(await there.arrayBuffer()).equals(picture)).toBe(true);
    expect(there.headers.get('cache-control')).toBe(FOR_EVER);
  });

  test('no playlist is, so that what it names is looked up here', async () => {
    const { status, headers, bytes } = await get(redirecting, 'hls/1/master.m3u8');
    expect([status, headers.get('content-type')]).toEqual([200, 'application/vnd.apple.mpegurl']);
    expect(bytes.equals(playlist)).toBe(true);
  });

  test('no captions are, as browsers follow a track to no other origin', async () => {
    const { status, headers, bytes } = await get(redirecting, 'captions/1.vtt');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/vtt; charset=utf-8']);
    expect(bytes.equals(captions)).toBe(true);
  });

  test('a HEAD is answered here, as the address is good for GET alone', async () => {
    const { status, headers } = await get(redirecting, 'pictures/a.png', { method: 'HEAD' });
    expect([status, headers.get('content-length')]).toEqual([200, '5000']);
  });

  test.each(['..%2fcheck', '%2e%2e/check', 'a%20b', 'a%00b', ''])('%j is no file', async (path) => {
    expect((await get(redirecting, path)).status).toBe(404);
  });

  test('pages may show what comes from there, and only then', async () => {
    const policyOf = async ({ base }: TestServer) =>
      (await fetch(base)).headers.get('content-security-policy')?.split('; ') ?? [];
    const policy = await policyOf(redirecting);
    expect(policy).toContain(`img-src 'self' blob: data: ${network.endpoint}`);
    expect(policy).toContain(`media-src 'self' blob: ${network.endpoint}`);
    expect(policy).toContain(`connect-src 'self' ws: wss: ${network.endpoint}`);
    expect(policy).toContain("script-src 'self'");
    expect((await policyOf(through)).join()).not.toContain(network.endpoint);
  });
});
