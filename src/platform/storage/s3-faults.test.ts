// A store that fails as stores and networks do: what passes is tried again within bounds, what does not leaves nothing behind.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  type Asked,
  type BadNetwork,
  type Fate,
  startBadNetwork,
} from '../../../test/support/bad-network.ts';
import { startS3, type TestS3 } from '../../../test/support/s3.ts';
import type { S3Settings } from './settings.ts';
import { openS3Storage } from './s3.ts';
import type { Storage } from './storage.ts';

const MIB = 2 ** 20;
const DAY_MS = 86_400_000;
const PATIENCE = {
  ...{ attempts: 4, timeoutMs: 5_000, longTimeoutMs: 20_000, giveUpMs: 30_000 },
  backoffMs: 10,
};
const BUSY = { status: 503, code: 'SlowDown' };

let store: TestS3;
let network: BadNetwork;
let settings: S3Settings;
let storage: Storage;
let folder: string;
let ahead = 0;
beforeAll(async () => {
  store = await startS3();
  network = await startBadNetwork(store.settings.endpoint);
});
afterAll(async () => {
  await network[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
});
beforeEach(async () => {
  ahead = 0;
  settings = { ...(await store.makeBucket()), endpoint: network.endpoint };
  storage = await openS3Storage(settings, { patience: PATIENCE, now: () => Date.now() + ahead });
  folder = await mkdtemp(join(tmpdir(), 'veranda-s3-files-'));
  network.asked.length = 0;
});
afterEach(async () => {
  network.decide(() => 'pass');
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

const is = {
  part: ({ method, path }: Asked) => method === 'PUT' && path.includes('partNumber='),
  completion: ({ method, path }: Asked) => method === 'POST' && /\?uploadId=/.test(path),
  beginning: ({ method, path }: Asked) => method === 'POST' && path.includes('?uploads'),
  abort: ({ method, path }: Asked) => method === 'DELETE' && path.includes('uploadId='),
  put: ({ method, path }: Asked) => method === 'PUT' && !path.includes('?'),
  get: ({ method, path }: Asked) => method === 'GET' && path.includes('/media/'),
};

/** The first `times` requests of that kind meet with `fate`. */
function fail(kind: keyof typeof is, fate: Fate, times = 1): void {
  let left = times;
  network.decide((asked) => (is[kind](asked) && (left -= 1) >= 0 ? fate : 'pass'));
}

const count = (kind: keyof typeof is): number => network.asked.filter(is[kind]).length;

async function adopt(bytes: Buffer): Promise<string> {
  const path = join(folder, 'film');
  await writeFile(path, bytes);
  await storage.blobs.adopt('videos/film', path);
  return path;
}

async function read(key: string): Promise<Buffer | undefined> {
  const blob = await storage.blobs.open(key);
  return blob && buffer(blob.read());
}

const listed = async (): Promise<string[]> => (await all(storage.blobs.list())).map(({ key }) => key);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const film = randomBytes(9 * MIB);

describe('a large file gets into the store once', () => {
  test.each<[string, keyof typeof is, Fate]>([
    ['a part is cut off', 'part', 'refuse'],
    ["a part's answer is lost", 'part', 'lose'],
    ['the store has no time for a part', 'part', BUSY],
    ['the answer to its beginning is lost', 'beginning', 'lose'],
    ['the completion is refused for now', 'completion', { status: 500, code: 'InternalError' }],
    ['the completion succeeds and its answer is lost', 'completion', 'lose'],
    ['the answer to the completion breaks off', 'completion', 'cut'],
  ])('when %s', async (_, kind, fate) => {
    fail(kind, fate);
    await adopt(film);
    expect((await read('videos/film'))?.equals(film)).toBe(true);
    // What began twice is found when it is old, and given up.
    await collect();
    expect(await listed()).toEqual(['videos/film']);
    expect(await readdir(folder)).toEqual([]);
  });
});

/** What the sweep of orphans does with an unfinished upload. */
async function collect(): Promise<void> {
  ahead = 2 * DAY_MS;
  const partial = (await listed()).filter((key) => key.endsWith('.partial'));
  await storage.blobs.remove(partial);
}

describe('a large file that does not get into the store', () => {
  test('stays where it was, and leaves no part behind', async () => {
    fail('part', 'refuse', 100);
    await expect(adopt(film)).rejects.toMatchObject({ code: 'storage_unavailable' });
    expect((await stat(join(folder, 'film'))).size).toBe(film.length);
    expect(count('abort')).toBe(1);
    network.decide(() => 'pass');
    ahead = 2 * DAY_MS;
    expect(await listed()).toEqual([]);
  });

  test('is given up a day later when even that failed, with all of its parts', async () => {
    network.decide((asked) => (is.completion(asked) || is.abort(asked) ? 'refuse' : 'pass'));
    await expect(adopt(film)).rejects.toMatchObject({ code: 'storage_unavailable' });
    network.decide(() => 'pass');
    expect(await listed()).toEqual([]);
    ahead = 2 * DAY_MS;
    expect(await listed()).toEqual(['videos/film.partial']);
    ahead = 0;
    await storage.blobs.remove(['videos/film.partial']);
    ahead = 2 * DAY_MS;
    expect(await listed()).toEqual(['videos/film.partial']);
    await storage.blobs.remove(['videos/film.partial']);
    expect(await listed()).toEqual([]);
  });
});

describe('a store', () => {
  test('that wants to be left alone for a second is', async () => {
    fail('put', { ...BUSY, headers: { 'retry-after': '1' } });
    await storage.blobs.put('a', Buffer.from('x'));
    const [first, second] = network.asked.filter(is.put);
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThan(990);
  });

  test('that is always busy is asked so many times and no more', async () => {
    fail('put', BUSY, 100);
    const put = storage.blobs.put('a', Buffer.from('x'));
    await expect(put).rejects.toMatchObject({ kind: 'unavailable', code: 'storage_unavailable' });
    expect(count('put')).toBe(PATIENCE.attempts);
  });

  test.each([
    ['is full', { status: 507, code: 'InsufficientStorage' }, 'storage_full'],
    ['has given all that we may have', { status: 403, code: 'QuotaExceeded' }, 'storage_full'],
    ['lets us in no more', { status: 403, code: 'AccessDenied' }, 'storage_unavailable'],
  ])('that %s says so at once', async (_, fate, code) => {
    fail('put', fate, 100);
    await expect(storage.blobs.put('a', Buffer.from('x'))).rejects.toMatchObject({ code });
    expect(count('put')).toBe(1);
  });

  test('that hangs does not keep anybody', async () => {
    const impatient = await openS3Storage(settings, {
      patience: { ...PATIENCE, timeoutMs: 100, longTimeoutMs: 100, attempts: 3 },
    });
    network.decide(() => 'hang');
    const begun = performance.now();
    const code = 'storage_unavailable';
    await expect(impatient.blobs.put('a', Buffer.from('x'))).rejects.toMatchObject({ code });
    await expect(impatient.blobs.open('a')).rejects.toMatchObject({ code });
    await expect(impatient.drafts.write('d', { offset: 0 }, [Buffer.from('x')])).rejects.toMatchObject({
      code,
    });
    await expect(impatient.check()).rejects.toMatchObject({ code });
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test('whose clock is another one is told from ours', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    await expect(storage.blobs.put('a', Buffer.from('x'))).rejects.toMatchObject({
      code: 'storage_unavailable',
      cause: { serviceCode: 'RequestTimeTooSkewed' },
    });
    vi.useRealTimers();
    await storage.blobs.put('a', Buffer.from('x'));
  });

  test('that can take files says so, and one that cannot is found out', async () => {
    await storage.check();
    network.decide(() => 'refuse');
    await expect(storage.check()).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});

describe('a blob', () => {
  const bytes = randomBytes(3 * MIB);

  test('whose bytes break off in the middle is read on from there', async () => {
    await storage.blobs.put('a', bytes);
    fail('get', 'cut', 2);
    expect((await read('a'))?.equals(bytes)).toBe(true);
    expect(count('get')).toBe(3);
  });

  test('is fetched into a file no longer than it is wanted, and nothing of it stays', async () => {
    await storage.blobs.put('a', bytes);
    const asked = Promise.withResolvers<void>();
    network.decide((one) => {
      if (!is.get(one)) return 'pass';
      asked.resolve();
      return 'hang';
    });
    const wanted = new AbortController();
    const use = vi.fn<(path: string) => Promise<void>>();
    const fetched = storage.blobs.withFile('a', use, { signal: wanted.signal });
    await asked.promise;
    wanted.abort();
    await expect(fetched).rejects.toMatchObject({ name: 'AbortError' });
    expect(use).not.toHaveBeenCalled();
    await vi.waitUntil(() => network.open === 0);
    const left = await readdir(join(settings.folder, 'work'), { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => entry.isFile())).toEqual([]);
  });

  test('that breaks off again and again ends with an error, not with fewer bytes', async () => {
    await storage.blobs.put('a', bytes);
    fail('get', 'refuse', 100);
    await expect(read('a')).rejects.toMatchObject({ code: 'storage_unavailable' });
  });

  test('that is put again meanwhile is not mixed with what it was', async () => {
    await storage.blobs.put('a', bytes);
    const blob = await storage.blobs.open('a');
    await storage.blobs.put('a', randomBytes(3 * MIB));
    await expect(buffer(blob?.read() ?? Readable.from([]))).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
  });
});

describe('a piece of a draft', () => {
  test.each<Fate>(['refuse', 'lose', BUSY])('is there once after a fault (%j)', async (fate) => {
    fail('put', fate);
    expect(await storage.drafts.write('d', { offset: 0, fence: 1 }, [Buffer.from('piece')])).toBe(5);
    expect((await buffer(storage.drafts.read('d', { start: 0, end: 4 }))).toString()).toBe('piece');
    await storage.drafts.publish('d', { size: 5, blobKey: 'blob' });
    expect((await read('blob'))?.toString()).toBe('piece');
    expect(await all(storage.drafts.list())).toEqual([]);
  });

  test('is joined with others no longer than that is wanted, and stays for the next time', async () => {
    const film = randomBytes(9 * MIB);
    await storage.drafts.write('d', { offset: 0, fence: 1 }, [film]);
    const asked = Promise.withResolvers<void>();
    network.decide((one) => {
      if (one.method !== 'GET' || !one.path.includes('/uploads/')) return 'pass';
      asked.resolve();
      return 'hang';
    });
    const wanted = new AbortController();
    const blob = { size: film.length, blobKey: 'blob' };
    const published = storage.drafts.publish('d', { ...blob, signal: wanted.signal });
    await asked.promise;
    wanted.abort();
    await expect(published).rejects.toMatchObject({ name: 'AbortError' });
    expect(count('abort')).toBe(1);
    network.decide(() => 'pass');
    await storage.drafts.publish('d', blob);
    expect((await read('blob'))?.equals(film)).toBe(true);
  });

  test('that is not there is not read as one that is empty', async () => {
    await expect(buffer(storage.drafts.read('d', { start: 0, end: 4 }))).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });
});
