// What every storage must do, whichever adapter it is.
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Storage } from './storage.ts';

/** `open` makes an empty storage; it is disposed of when it was used. */
export function describeStorage(name: string, open: () => Promise<Storage>): void {
  describe(`storage on ${name}`, () => {
    let storage: Storage;
    let folder: string;
    beforeEach(async () => {
      storage = await open();
      folder = await mkdtemp(join(tmpdir(), 'veranda-storage-'));
    });
    afterEach(async () => {
      await storage[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    describe('blobs', () => {
      blobs({ storage: () => storage, folder: () => folder });
    });
    describe('drafts', () => {
      drafts({ storage: () => storage });
    });
    describe('publishing a draft', () => {
      publishing({ storage: () => storage });
    });
  });
  describe(`keys of storage on ${name}`, () => {
    let storage: Storage;
    beforeAll(async () => {
      storage = await open();
    });
    afterAll(() => storage[Symbol.asyncDispose]());
    keys({ storage: () => storage });
  });
}

const SOME = Buffer.from('some bytes');

const empty = (): Readable => Readable.from([]);

async function content(storage: Storage, key: string): Promise<string | undefined> {
  const blob = await storage.blobs.open(key);
  return blob && (await buffer(blob.read())).toString();
}

function blobs({ storage, folder }: { storage: () => Storage; folder: () => string }): void {
  test('are read as they were put, with their size and time', async () => {
    const bytes = randomBytes(700_000);
    const before = Date.now();
    await storage().blobs.put('pictures/a.bin', bytes);
    const blob = await storage().blobs.open('pictures/a.bin');
    expect(blob?.size).toBe(bytes.length);
    expect(Math.abs((blob?.modifiedAt ?? 0) - before)).toBeLessThan(60_000);
    expect((await buffer(blob?.read() ?? empty())).equals(bytes)).toBe(true);
  });

  test('are read in ranges whose end is included', async () => {
    await storage().blobs.put('a', Buffer.from('0123456789'));
    const blob = await storage().blobs.open('a');
    const read = async (start: number, end: number) =>
      (await buffer(blob?.read({ start, end }) ?? empty())).toString();
    expect(await Promise.all([read(0, 0), read(2, 5), read(9, 9), read(0, 9)])).toEqual([
      '0',
      '2345',
      '9',
      '0123456789',
    ]);
  });

  test('may be empty', async () => {
    await storage().blobs.put('empty', Buffer.alloc(0));
    expect((await storage().blobs.open('empty'))?.size).toBe(0);
  });

  test('that are put again hold the new bytes', async () => {
    await storage().blobs.put('a/b', Buffer.from('old and longer'));
    await storage().blobs.put('a/b', Buffer.from('new'));
    expect(await content(storage(), 'a/b')).toBe('new');
  });

  test('that are put many times at once hold one of the contents, whole', async () => {
    const contents = Array.from({ length: 10 }, (_, index) => String(index).repeat(100_000));
    await Promise.all(contents.map((text) => storage().blobs.put('raced', Buffer.from(text))));
    expect(contents).toContain(await content(storage(), 'raced'));
  });

  test('that are absent are undefined, and removing them is no error', async () => {
    await storage().blobs.put('a/b', SOME);
    expect(await storage().blobs.open('nothing')).toBeUndefined();
    expect(await storage().blobs.open('a')).toBeUndefined();
    await storage().blobs.remove(['nothing', 'a/nothing', 'other/nothing']);
    await storage().blobs.removeAll('nothing');
    expect(await content(storage(), 'a/b')).toBe('some bytes');
  });

  test('are removed one by one', async () => {
    for (const key of ['a/1', 'a/2', 'a/3']) await storage().blobs.put(key, SOME);
    await storage().blobs.remove(['a/1', 'a/3']);
    await storage().blobs.remove(['a/1']);
    expect(await Promise.all(['a/1', 'a/2', 'a/3'].map((key) => content(storage(), key)))).toEqual([
      undefined,
      'some bytes',
      undefined,
    ]);
  });

  test('are removed by the folder, and no folder beside it is touched', async () => {
    for (const key of ['hls/1/a', 'hls/1/deep/b', 'hls/10/a', 'hls/1-other/a'])
      await storage().blobs.put(key, SOME);
    await storage().blobs.removeAll('hls/1');
    await storage().blobs.removeAll('hls/1');
    const left = await Promise.all(
      ['hls/1/a', 'hls/1/deep/b', 'hls/10/a', 'hls/1-other/a'].map((key) => storage().blobs.open(key)),
    );
    expect(left.map((blob) => blob !== undefined)).toEqual([false, false, true, true]);
  });

  test('take a local file in, which is gone from where it was', async () => {
    const path = join(folder(), 'made.bin');
    await writeFile(path, 'made here');
    await storage().blobs.adopt('videos/made', path);
    expect(await content(storage(), 'videos/made')).toBe('made here');
    await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('are lent as a local file to a program that needs one', async () => {
    await storage().blobs.put('videos/a', SOME);
    const text = await storage().blobs.withFile('videos/a', (path) => readFile(path, 'utf8'));
    expect(text).toBe('some bytes');
    await expect(
      storage().blobs.withFile('videos/a', async () => {
        throw new Error('the program failed');
      }),
    ).rejects.toThrow('the program failed');
    expect(await content(storage(), 'videos/a')).toBe('some bytes');
  });
}

function drafts({ storage }: { storage: () => Storage }): void {
  const read = async (key: string, end: number): Promise<string> =>
    (await buffer(storage().drafts.read(key, { start: 0, end }))).toString();

  test('grow piece by piece', async () => {
    expect(
      await storage().drafts.write('d', { offset: 0 }, [Buffer.from('hello '), Buffer.from('wide ')]),
    ).toBe(11);
    expect(await storage().drafts.write('d', { offset: 11 }, [Buffer.from('world')])).toBe(5);
    expect(await read('d', 15)).toBe('hello wide world');
    expect((await buffer(storage().drafts.read('d', { start: 6, end: 9 }))).toString()).toBe('wide');
  });

  test('take streams, and large pieces whole', async () => {
    const bytes = randomBytes(5_000_000);
    async function* stream() {
      for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001);
    }
    expect(await storage().drafts.write('d', { offset: 0 }, stream())).toBe(bytes.length);
    const stored = await buffer(storage().drafts.read('d', { start: 0, end: bytes.length - 1 }));
    expect(stored.equals(bytes)).toBe(true);
  });

  test('take pieces in any order, and are read on either side of a gap', async () => {
    await storage().drafts.write('d', { offset: 8 }, [Buffer.from('world')]);
    await storage().drafts.write('d', { offset: 0 }, [Buffer.from('hel')]);
    const ahead = await buffer(storage().drafts.read('d', { start: 9, end: 12 }));
    expect(ahead.toString()).toBe('orld');
    expect((await buffer(storage().drafts.read('d', { start: 0, end: 2 }))).toString()).toBe('hel');
    await storage().drafts.write('d', { offset: 3 }, [Buffer.from('lo---')]);
    await storage().drafts.publish('d', { size: 13, blobKey: 'whole' });
    expect(await content(storage(), 'whole')).toBe('hello---world');
  });

  test('are written over where nothing was acknowledged', async () => {
    await storage().drafts.write('d', { offset: 0 }, [Buffer.from('keep')]);
    async function* broken() {
      yield Buffer.from('HALF OF SOMETHING LONG');
      throw new Error('the connection was cut');
    }
    await expect(storage().drafts.write('d', { offset: 4 }, broken())).rejects.toThrow(
      'the connection was cut',
    );
    expect(await storage().drafts.write('d', { offset: 4 }, [Buffer.from(' this')])).toBe(5);
    await storage().drafts.publish('d', { size: 9, blobKey: 'blob' });
    expect(await content(storage(), 'blob')).toBe('keep this');
  });

  test('may be written to with nothing', async () => {
    expect(await storage().drafts.write('d', { offset: 0 }, [])).toBe(0);
    expect(await storage().drafts.write('d', { offset: 0 }, [Buffer.alloc(0)])).toBe(0);
  });

  test('are removed, also twice', async () => {
    await storage().drafts.write('d', { offset: 0 }, [SOME]);
    await storage().drafts.remove('d');
    await storage().drafts.remove('d');
    await expect(read('d', 3)).rejects.toThrow(/./);
  });

  test('that are not there fail when they are read, not while nobody listens', async () => {
    const early = storage().drafts.read('never', { start: 0, end: 3 });
    // As long as it takes to find out.
    await expect(read('never', 3)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(early.errored).toBeNull();
    await expect(buffer(early)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('are not seen as blobs', async () => {
    await storage().drafts.write('d', { offset: 0 }, [SOME]);
    expect(await storage().blobs.open('d')).toBeUndefined();
    expect(await storage().blobs.open('uploads/d')).toBeUndefined();
  });
}

function publishing({ storage }: { storage: () => Storage }): void {
  test('cuts it to its acknowledged size and makes it a blob', async () => {
    await storage().drafts.write('d', { offset: 0 }, [Buffer.from('acknowledged and not')]);
    await storage().drafts.publish('d', { size: 12, blobKey: 'videos/v.mp4' });
    expect(await content(storage(), 'videos/v.mp4')).toBe('acknowledged');
  });

  test('twice is no error and changes nothing', async () => {
    await storage().drafts.write('d', { offset: 0 }, [SOME]);
    await storage().drafts.publish('d', { size: SOME.length, blobKey: 'videos/v.mp4' });
    await storage().drafts.publish('d', { size: SOME.length, blobKey: 'videos/v.mp4' });
    expect(await content(storage(), 'videos/v.mp4')).toBe('some bytes');
  });

  test('ten times at once is no error either', async () => {
    const bytes = randomBytes(2_000_000);
    await storage().drafts.write('d', { offset: 0 }, [bytes]);
    await Promise.all(
      Array.from({ length: 10 }, () =>
        storage().drafts.publish('d', { size: bytes.length - 1, blobKey: 'videos/v.mp4' }),
      ),
    );
    const blob = await storage().blobs.open('videos/v.mp4');
    expect((await buffer(blob?.read() ?? empty())).equals(bytes.subarray(0, -1))).toBe(true);
  });

  test('fails for a draft that never was, or was removed', async () => {
    await expect(storage().drafts.publish('never', { size: 4, blobKey: 'videos/v.mp4' })).rejects.toThrow(
      /./,
    );
    expect(await storage().blobs.open('videos/v.mp4')).toBeUndefined();
  });
}

const HOSTILE = [
  ...['', '.', '..', '../secret', 'a/../../secret', '/etc/passwd', 'a//b', 'a/', '/a', './a', 'a/./b'],
  ...[
    'a\\..\\b',
    'a\0b',
    'a b',
    'ä',
    '%2e%2e/a',
    '.hidden',
    'a/.hidden',
    'a..b',
    'C:a',
    `a${'x'.repeat(300)}`,
  ],
];

function keys({ storage }: { storage: () => Storage }): void {
  test.each(HOSTILE)('like %j are answered as absent', async (key) => {
    expect(await storage().blobs.open(key)).toBeUndefined();
  });

  test.each(HOSTILE)('like %j are never written to, lent or removed', async (key) => {
    const refused = 'no key of ours';
    await expect(storage().blobs.put(key, SOME)).rejects.toThrow(refused);
    await expect(storage().blobs.adopt(key, '/nowhere')).rejects.toThrow(refused);
    await expect(storage().blobs.remove([key])).rejects.toThrow(refused);
    await expect(storage().blobs.removeAll(key)).rejects.toThrow(refused);
    await expect(storage().blobs.withFile(key, async () => undefined)).rejects.toThrow(refused);
    await expect(storage().drafts.write(key, { offset: 0 }, [SOME])).rejects.toThrow(refused);
    await expect(storage().drafts.publish(key, { size: 0, blobKey: 'fine' })).rejects.toThrow(refused);
    await expect(storage().drafts.remove(key)).rejects.toThrow(refused);
    expect(() => storage().drafts.read(key, { start: 0, end: 1 })).toThrow(refused);
  });
}
