// A site that keeps its files in an S3 store: from the first chunk until the video plays and is gone again, and through kills
// at the moments that a disk does not have.
import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Asked, type BadNetwork, startBadNetwork } from '../support/bad-network.ts';
import { asDataUrl, call, join as signUp, type Person, say, sendChunk } from '../support/classic-client.ts';
import { cutChunks, makeFile, MIB } from '../support/classic-uploads.ts';
import { makeVideoFolder } from '../support/published-videos.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { type ServerProcess, spawnServer, startServer } from '../support/servers.ts';
import { databaseSettings } from '../support/engines.ts';
import { findTools } from '../support/tools.ts';
import { makeVideo } from '../support/videos.ts';
import { openStorage } from '../../src/platform/storage/open.ts';
import type { S3Settings } from '../../src/platform/storage/settings.ts';
import type { Storage } from '../../src/platform/storage/storage.ts';
import { countOpenJobs } from '../crash/site.ts';

const run = promisify(execFile);
const PATIENCE = { timeout: 90_000, interval: 100 };

let store: TestS3;
let network: BadNetwork;
let bucket: S3Settings;
let storage: Storage;
beforeAll(async () => {
  store = await startS3();
  network = await startBadNetwork(store.settings.endpoint);
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});
beforeEach(async () => {
  bucket = await store.makeBucket();
  storage = await openStorage(bucket);
});
afterEach(() => network.decide(() => 'pass'));

const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  ...store.environment,
  ...{ S3_BUCKET: bucket.bucket, S3_ENDPOINT: network.endpoint, ...more },
});

async function listKeys(): Promise<{ blobs: string[]; drafts: string[] }> {
  const [blobs, drafts]: string[][] = [[], []];
  for await (const { key } of storage.blobs.list()) blobs?.push(key);
  for await (const { key } of storage.drafts.list()) drafts?.push(key);
  return { blobs: blobs ?? [], drafts: drafts ?? [] };
}

async function upload(
  base: string,
  ann: Person,
  bytes: Buffer,
): Promise<{ mediaId: number; postId: number }> {
  let mediaId = 0;
  for (const chunk of cutChunks(bytes)) {
    const { status, json } = await sendChunk(base, ann, { filename: 'film.mp4', bytes: chunk });
    expect(status).toBe(200);
    mediaId = json.id;
  }
  return { mediaId, postId: await say(base, ann, 'a film') };
}

const finalize = (
  base: string,
  { access }: Person,
  { mediaId, postId }: { mediaId: number; postId: number },
) =>
  call(base, '/api/posts/post/add/media/video/finalize/', {
    token: access,
    body: { postID: postId, videoID: mediaId },
  });

async function readMedia(base: string, { access }: Person, postId: number) {
  const { json } = await call(base, `/api/posts/post/${postId}`, { token: access });
  return json.media_files as { file: string; hls_url: string | null }[];
}

async function makeFilm(): Promise<Buffer> {
  const directory = await makeVideoFolder();
  const recipe = { directory, width: 640, height: 360, seconds: 7, options: ['-b:v', '3M'] };
  const bytes = await readFile(await makeVideo(recipe));
  await rm(directory, { recursive: true });
  return bytes;
}

/** Decodes all that the address leads to. */
async function play(url: string): Promise<void> {
  const { stderr } = await run(findTools().ffmpeg, [
    '-v',
    'error',
    '-xerror',
    '-http_persistent',
    '0',
    '-i',
    url,
    '-f',
    'null',
    '-',
  ]);
  expect(stderr).toBe('');
}

describe.each(['through', 'redirect'])('delivered %s', (S3_DELIVERY) => {
  test('a video plays from the store, and is gone from it with its post', async () => {
    const film = await makeFilm();
    await using server = await startServer(environment({ S3_DELIVERY }));
    const { base, dataDir } = server;
    const ann = await signUp(base);
    const { mediaId, postId } = await upload(base, ann, film);
    const picture = { postID: postId, imageBase64: asDataUrl(await readFile(PICTURE), 'image/png') };
    await call(base, '/api/posts/post/add/media/image/', { token: ann.access, body: picture });
    expect((await finalize(base, ann, { mediaId, postId })).status).toBe(200);
    await vi.waitUntil(
      async () => (await readMedia(base, ann, postId)).some(({ hls_url }) => hls_url),
      PATIENCE,
    );

    for (const { file, hls_url } of await readMedia(base, ann, postId)) {
      expect((await fetch(base + file)).status).toBe(200);
      if (hls_url) await play(base + hls_url);
    }
    await vi.waitUntil(async () => (await countOpenJobs(dataDir)) === 0, PATIENCE);
    const { blobs, drafts } = await listKeys();
    expect(drafts).toEqual([]);
    expect(blobs.filter((key) => !/^(hls|pictures|renditions)\//.test(key))).toEqual([]);
    // Nothing of it lies on this machine.
    const here = await readdir(dataDir, { recursive: true, withFileTypes: true });
    const files = here.filter((entry) => entry.isFile()).map(({ name }) => name);
    expect(files.filter((name) => !/^(veranda\.db|secret-key)/.test(name))).toEqual([]);

    await call(base, `/api/posts/post/delete/${postId}`, { token: ann.access });
    await vi.waitUntil(async () => (await countOpenJobs(dataDir)) === 0, PATIENCE);
    expect(await listKeys()).toEqual({ blobs: [], drafts: [] });
  });
});

const PICTURE = new URL('../../src/api/files/defaults/default_cover_image.png', import.meta.url);

describe('a server that is killed', () => {
  let server: ServerProcess;
  let ann: Person;
  const film = makeFile(9 * MIB + 77);
  beforeEach(async () => {
    server = await spawnServer(environment());
    ann = await signUp(server.base);
    return () => server[Symbol.asyncDispose]();
  });

  /** Kills the server as soon as it has sent such a request, which then gets the store's answer or gets nowhere. */
  async function killAt(isMoment: (asked: Asked) => boolean, fate: 'hang' | 'lose'): Promise<void> {
    const reached = Promise.withResolvers<void>();
    network.decide((asked) => {
      if (!isMoment(asked)) return 'pass';
      reached.resolve();
      return fate;
    });
    await reached.promise;
    await server.end('SIGKILL');
    network.decide(() => 'pass');
  }

  test.each(['hang', 'lose'] as const)(
    'while a chunk is stored keeps all it said yes to (%s)',
    async (fate) => {
      const short = makeFile(3 * MIB + 77);
      const chunks = cutChunks(short);
      let offset = 0;
      for (const [index, bytes] of chunks.entries()) {
        const send = () =>
          sendChunk(server.base, ann, { filename: 'f.mp4', bytes, fields: { offset: String(offset) } });
        if (index === 2) {
          const killed = killAt(({ method, path }) => method === 'PUT' && path.includes('/uploads/'), fate);
          const answer = send().catch(() => undefined);
          await killed;
          expect(await answer).toBeUndefined();
          await server.restart();
        }
        expect((await send()).status).toBe(200);
        offset += bytes.length;
      }
      const { json } = await sendChunk(server.base, ann, { filename: 'f.mp4', bytes: Buffer.alloc(0) });
      const postId = await say(server.base, ann, 'a film');
      expect((await finalize(server.base, ann, { mediaId: json.id, postId })).status).toBe(200);
      await expectFile(postId, short);
    },
  );

  test.each<[string, (asked: Asked) => boolean]>([
    ['the first part', ({ path }) => path.includes('partNumber=1')],
    ['the completion', ({ method, path }) => method === 'POST' && path.includes('?uploadId=')],
    ['the removal of the draft', ({ method, path }) => method === 'POST' && path.includes('?delete=')],
  ])('while a draft becomes a blob, at %s, finishes that later', async (_, isMoment) => {
    const { mediaId, postId } = await upload(server.base, ann, film);
    const killed = killAt(isMoment, 'lose');
    const answer = finalize(server.base, ann, { mediaId, postId }).catch(() => undefined);
    await killed;
    await answer;
    await server.restart();
    expect((await finalize(server.base, ann, { mediaId, postId })).status).toBe(200);
    await expectFile(postId, film);
  });

  async function expectFile(postId: number, content: Buffer): Promise<void> {
    const [media] = await readMedia(server.base, ann, postId);
    await vi.waitUntil(async () => (await fetch(server.base + media?.file)).status === 200, PATIENCE);
    const bytes = Buffer.from(await (await fetch(server.base + media?.file)).arrayBuffer());
    expect(bytes.equals(content)).toBe(true);
    await vi.waitUntil(async () => (await countOpenJobs(server.dataDir)) === 0, PATIENCE);
    expect((await listKeys()).drafts).toEqual([]);
  }
});

test('what no row refers to is swept from the bucket once it is old, and nothing else', async () => {
  const later = Date.now() + 2 * 3_600_000;
  await using before = await startServer(environment());
  const ann = await signUp(before.base);
  const { postId } = await upload(before.base, ann, makeFile(1_000));
  const body = { postID: postId, imageBase64: asDataUrl(await readFile(PICTURE), 'image/png') };
  await call(before.base, '/api/posts/post/add/media/image/', { token: ann.access, body });
  await before.app.worker.idle();
  const kept = await listKeys();
  expect(kept.blobs.filter((key) => key.startsWith('pictures/'))).toHaveLength(1);
  expect(kept.drafts).toHaveLength(1);
  for (const key of ['pictures/stray.png', 'hls/9-stray/a.m4s', 'videos/stray.mp4'])
    await storage.blobs.put(key, Buffer.from('x'));
  await storage.drafts.write('stray', { offset: 0, fence: 1 }, [Buffer.from('x')]);

  const { DATA_DIR = before.dataDir } = environment();
  await using after = await startServer(
    environment({ DATABASE_URL: await databaseOf(before.dataDir), DATA_DIR }),
    { now: () => later },
  );
  await vi.waitUntil(async () => (await countOpenJobs(DATA_DIR)) === 0, PATIENCE);
  expect(after.base).toBeTruthy();
  expect(await listKeys()).toEqual(kept);
});

async function databaseOf(dataDir: string): Promise<string> {
  return (await databaseSettings(dataDir)).DATABASE_URL ?? `sqlite:${join(dataDir, 'veranda.db')}`;
}
