import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readlinkSync } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openStorage } from './open.ts';
import type { Storage } from './storage.ts';
import { describeStorage } from './storage.contract.ts';

describeStorage('the local disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'veranda-local-'));
  const storage = await openStorage({ kind: 'local', folder });
  return {
    ...storage,
    async [Symbol.asyncDispose]() {
      await storage[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
});

describe('on the local disk', () => {
  let folder: string;
  let storage: Storage;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'veranda-local-'));
    storage = await openStorage({ kind: 'local', folder });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('whoever writes to a draft sees to it that its name lasts, though another one who made it still writes', async () => {
    const synced: string[] = [];
    {
      await using handle = await open(folder);
      const prototype = Object.getPrototypeOf(handle) as FileHandle;
      const sync = prototype.sync;
      vi.spyOn(prototype, 'sync').mockImplementation(function (this: FileHandle) {
        synced.push(readlinkSync(`/proc/self/fd/${this.fd}`));
        return sync.call(this);
      });
    }
    const more = Promise.withResolvers<void>();
    const content = (async function* () {
      yield Buffer.from('first');
      await more.promise;
    })();
    const first = storage.drafts.write('d', { offset: 0 }, content);
    const drafts = join(folder, 'uploads');
    await vi.waitUntil(() => existsSync(join(drafts, 'd')));
    synced.length = 0;
    await storage.drafts.write('d', { offset: 100 }, [Buffer.from('second')]);
    expect(synced).toEqual([drafts]);
    more.resolve();
    await first;
    expect(synced).toEqual([drafts]);
  });

  test('nothing half-written is left by a put that fails', async () => {
    await mkdir(join(folder, 'media/pictures/a.png'), { recursive: true });
    await expect(storage.blobs.put('pictures/a.png', Buffer.from('x'))).rejects.toThrow(
      /EISDIR|ENOTEMPTY|EEXIST/,
    );
    expect(await readdir(join(folder, 'media/pictures'))).toEqual(['a.png']);
  });

  test('a folder is no blob', async () => {
    await storage.blobs.put('hls/1/a', Buffer.from('x'));
    expect(await storage.blobs.open('hls/1')).toBeUndefined();
  });

  test('whoever reads while the blob is removed gets it to its end', async () => {
    const bytes = Buffer.alloc(3_000_000, 'x');
    await storage.blobs.put('a', bytes);
    const stream = (await storage.blobs.open('a'))?.read();
    await once(stream ?? process, 'readable');
    await storage.blobs.remove(['a']);
    let size = 0;
    for await (const piece of stream ?? []) size += (piece as Buffer).length;
    expect(size).toBe(bytes.length);
  });

  test('a file that cannot be taken in stays where it was', async () => {
    const path = join(folder, 'made');
    await writeFile(path, 'x');
    await mkdir(join(folder, 'media/a/b'), { recursive: true });
    await expect(storage.blobs.adopt('a', path)).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect(await readdir(folder)).toContain('made');
  });

  test('a full disk is named, so that it can be told from a bug', async () => {
    await mkdir(join(folder, 'uploads'));
    await symlink('/dev/full', join(folder, 'uploads', 'full'));
    await expect(storage.drafts.write('full', { offset: 0 }, [Buffer.from('x')])).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'storage_full',
      details: { retryAfter: 60 },
    });
  });
});

// A disk of 1 MiB in a mount namespace of its own, which ends with the process.
const smallDisk = ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'];
const canMount = spawnSync('unshare', [...smallDisk, tmpdir(), 'true']).status === 0;

test.skipIf(!canMount)(
  'a disk that fills up half-way acknowledges nothing that is not there, and works again with room',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'veranda-small-'));
    const program = `
      import { readdir } from 'node:fs/promises';
      import { openStorage } from ${JSON.stringify(new URL('open.ts', import.meta.url).href)};
      const folder = ${JSON.stringify(folder)};
      const { blobs, drafts } = await openStorage({ kind: 'local', folder });
      const tell = (work) => work.catch((error) => error.code);
      const chunk = Buffer.alloc(400_000, 'x');
      const results = [
        await tell(drafts.write('d', { offset: 0 }, [chunk])),
        await tell(drafts.write('d', { offset: 400_000 }, [chunk])),
        await tell(drafts.write('d', { offset: 800_000 }, [chunk])),
        await tell(blobs.put('pictures/large', chunk)),
      ];
      results.push(await readdir(folder + '/media/pictures').catch(() => []));
      await drafts.remove('d');
      await blobs.put('pictures/large', chunk);
      results.push((await blobs.open('pictures/large')).size);
      console.log(JSON.stringify(results));`;
    try {
      const child = spawn('unshare', [
        ...smallDisk,
        folder,
        process.execPath,
        '--input-type=module',
        '-e',
        program,
      ]);
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual([400_000, 400_000, 'storage_full', 'storage_full', [], 400_000]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
