import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { S3mini } from 's3mini';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type BadNetwork, startBadNetwork } from '../../../test/support/bad-network.ts';
import { startS3, type TestS3 } from '../../../test/support/s3.ts';
import type { S3Settings } from './settings.ts';
import { openStorage } from './open.ts';
import type { Storage } from './storage.ts';
import { describeStorage } from './storage.contract.ts';

const MIB = 2 ** 20;
/** What nobody holds any more is not counted. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let store: TestS3;
let network: BadNetwork;
beforeAll(async () => {
  store = await startS3();
  network = await startBadNetwork(store.settings.endpoint);
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describeStorage('S3', async () => openStorage(await store.makeBucket()));

describe('a bucket', () => {
  let settings: S3Settings;
  let storage: Storage;
  let folder: string;
  beforeEach(async () => {
    settings = { ...(await store.makeBucket()), endpoint: network.endpoint };
    storage = await openStorage(settings);
    folder = await mkdtemp(join(tmpdir(), 'veranda-s3-files-'));
    return () => rm(folder, { recursive: true, force: true });
  });

  const readAll = async (key: string): Promise<Buffer | undefined> => {
    const blob = await storage.blobs.open(key);
    return blob && buffer(blob.read());
  };

  const readDraft = async (key: string, end: number): Promise<string> =>
    (await buffer(storage.drafts.read(key, { start: 0, end }))).toString();

  const requestsOf = async (work: () => Promise<unknown>): Promise<string[]> => {
    const before = network.asked.length;
    await work();
    return network.asked.slice(before).map(({ method, path }) => `${method} ${path}`);
  };

  test('takes a file of many parts in, which is whole in each range', async () => {
    const bytes = randomBytes(20 * MIB + 17);
    const path = join(folder, 'film.mp4');
    await writeFile(path, bytes);
    const requests = await requestsOf(() => storage.blobs.adopt('videos/film.mp4', path));
    expect(requests.filter((line) => /^PUT .*partNumber=/.test(line))).toHaveLength(3);
    expect((await readAll('videos/film.mp4'))?.equals(bytes)).toBe(true);
    const blob = await storage.blobs.open('videos/film.mp4');
    const start = 8 * MIB - 5;
    const end = 16 * MIB + 5;
    expect(
      (await buffer(blob?.read({ start, end }) ?? Readable.from([]))).equals(bytes.subarray(start, end + 1)),
    ).toBe(true);
  });

  test('lists nothing that others have put there under names of theirs', async () => {
    const { endpoint } = store.settings;
    const others = new S3mini({ ...settings, endpoint: `${endpoint}/${settings.bucket}` });
    const piece = '000000000000000-0000000001-000000000000001-00000000';
    for (const key of ['media/', 'media/a.jpg~', `uploads/d~/${piece}`]) await others.putObject(key, 'x');
    await storage.blobs.put('a.jpg', Buffer.from('x'));
    await storage.drafts.write('d', { offset: 0, fence: 1 }, [Buffer.from('x')]);
    expect((await all(storage.blobs.list())).map(({ key }) => key)).toEqual(['a.jpg']);
    expect((await all(storage.drafts.list())).map(({ key }) => key)).toEqual(['d']);
  });

  test('joins the pieces of a draft into one blob, across parts', async () => {
    const bytes = randomBytes(19 * MIB);
    for (let offset = 0; offset < bytes.length; offset += 3 * MIB)
      await storage.drafts.write('d', { offset, fence: 1 }, [bytes.subarray(offset, offset + 3 * MIB)]);
    await storage.drafts.publish('d', { size: 18 * MIB + 1, blobKey: 'videos/film.mp4' });
    expect((await readAll('videos/film.mp4'))?.equals(bytes.subarray(0, 18 * MIB + 1))).toBe(true);
    expect(await all(storage.drafts.list())).toEqual([]);
  });

  test(
    'holds few of the bytes of a large object in memory, on the way in and out',
    { timeout: 60_000 },
    async () => {
      const path = join(folder, 'large');
      const size = 128 * MIB;
      const direct = await openStorage({ ...settings, endpoint: store.settings.endpoint });
      await writeFile(path, '');
      await truncate(path, size);
      const before = process.memoryUsage().arrayBuffers;
      let most = 0;
      const looking = setInterval(() => {
        collectGarbage();
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      }, 300);
      await direct.blobs.adopt('large', path);
      let read = 0;
      for await (const chunk of (await direct.blobs.open('large'))?.read() ?? [])
        read += (chunk as Buffer).length;
      clearInterval(looking);
      expect(read).toBe(size);
      expect(most).toBeLessThan(96 * MIB);
    },
  );

  test('lists many pages, and removes more than fits into one request', async () => {
    const keys = Array.from({ length: 120 }, (_, index) => `hls/1/${index}.m4s`);
    await Promise.all(keys.map((key) => storage.blobs.put(key, Buffer.from('x'))));
    const listed = (await all(storage.blobs.list())).map(({ key }) => key);
    expect(listed.toSorted()).toEqual(keys.toSorted());
    const requests = await requestsOf(() => storage.blobs.remove(keys.slice(0, 110)));
    expect(requests).toEqual(Array(2).fill(`POST /${settings.bucket}?delete=`));
    expect(await all(storage.blobs.list())).toHaveLength(10);
    await storage.blobs.removeAll('hls/1');
    expect(await all(storage.blobs.list())).toEqual([]);
  });

  test('tells clients of the type of a blob, and that they may keep it', async () => {
    await storage.blobs.put('pictures/a.png', Buffer.from('x'));
    const { addressOf } = (await openStorage({ ...settings, redirect: true })).blobs;
    const answer = await fetch((await addressOf?.('pictures/a.png'))?.url ?? '');
    expect(answer.headers.get('content-type')).toBe('image/png');
    expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  });

  test('frees the connection when a reader goes away', async () => {
    const path = join(folder, 'large');
    await writeFile(path, randomBytes(24 * MIB));
    await storage.blobs.adopt('large', path);
    const sent = network.sent;
    const stream = (await storage.blobs.open('large'))?.read();
    for await (const _ of stream ?? []) break;
    await vi.waitFor(() => expect(network.open).toBe(0));
    expect(network.sent - sent).toBeLessThan(12 * MIB);
  });

  describe('of drafts with two writers', () => {
    test('keeps what the later lease wrote, though the earlier one writes last', async () => {
      const { drafts } = storage;
      await drafts.write('d', { offset: 0, fence: 1 }, [Buffer.from('begun ')]);
      await drafts.write('d', { offset: 6, fence: 3 }, [Buffer.from('later')]);
      await drafts.write('d', { offset: 6, fence: 2 }, [Buffer.from('STALE AND LONGER')]);
      expect(await readDraft('d', 10)).toBe('begun later');
      await drafts.write('d', { offset: 11, fence: 4 }, [Buffer.from(' still')]);
      await drafts.publish('d', { size: 17, blobKey: 'blob' });
      expect((await readAll('blob'))?.toString()).toBe('begun later still');
    });

    test('keeps the last of what one writer wrote at one place', async () => {
      for (const text of ['first', 'again'])
        await storage.drafts.write('d', { offset: 0, fence: 1 }, [Buffer.from(text)]);
      expect(await readDraft('d', 4)).toBe('again');
    });

    test('does not change a blob for a piece that comes after it was made', async () => {
      await storage.drafts.write('d', { offset: 0, fence: 2 }, [Buffer.from('whole')]);
      await storage.drafts.publish('d', { size: 5, blobKey: 'blob' });
      await storage.drafts.write('d', { offset: 0, fence: 1 }, [Buffer.from('STALE')]);
      await storage.drafts.publish('d', { size: 5, blobKey: 'blob' });
      expect((await readAll('blob'))?.toString()).toBe('whole');
      expect(await all(storage.drafts.list())).toEqual([]);
    });
  });

  describe('with signed addresses', () => {
    let addressOf: (key: string) => Promise<string>;
    beforeEach(async () => {
      const { blobs } = await openStorage({ ...settings, redirect: true });
      addressOf = async (key) => (await blobs.addressOf?.(key))?.url ?? '';
      await storage.blobs.put('pictures/a.png', Buffer.from('a picture'));
    });

    test('gives the blob to whoever has one, also in ranges', async () => {
      const url = await addressOf('pictures/a.png');
      expect(await (await fetch(url)).text()).toBe('a picture');
      const part = await fetch(url, { headers: { range: 'bytes=2-4' } });
      expect([part.status, await part.text()]).toEqual([206, 'pic']);
    });

    test('refuses one that is altered, for another blob, or for another verb', async () => {
      await storage.blobs.put('pictures/b.png', Buffer.from('another'));
      const url = await addressOf('pictures/a.png');
      const altered = [
        url.replace('a.png', 'b.png'),
        url.replace('X-Amz-Expires=3600', 'X-Amz-Expires=36000'),
        url.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
        url.split('?')[0] ?? '',
      ];
      for (const address of altered) expect([400, 403]).toContain((await fetch(address)).status);
      expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
      expect((await readAll('pictures/a.png'))?.toString()).toBe('a picture');
    });

    test('refuses one that is an hour old', async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_660_000 });
      const url = await addressOf('pictures/a.png');
      vi.useRealTimers();
      expect((await fetch(url)).status).toBe(403);
    });

    test('names the address that clients reach it under', async () => {
      const publicEndpoint = 'https://files.example.org';
      const shown = await openStorage({ ...settings, redirect: true, publicEndpoint });
      const address = await shown.blobs.addressOf?.('pictures/a.png');
      expect(address?.url).toMatch(`${publicEndpoint}/${settings.bucket}/media/pictures/a.png?`);
      expect(shown.origin).toBe(publicEndpoint);
      expect(storage.origin).toBeUndefined();
    });
  });
});
