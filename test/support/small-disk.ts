// A disk of a few megabytes that a test may fill, where tests may mount one.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, rmdir, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  /** Takes all its room but so many bytes, or none at all. */
  leave(bytes: number | 'everything'): Promise<void>;
}

const run = promisify(execFile);

/** Undefined where this is not allowed. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'veranda-disk-'));
  const ballast = join(path, 'ballast');
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
  } catch {
    await rmdir(path);
    return undefined;
  }
  return {
    path,
    async leave(room) {
      await rm(ballast, { force: true });
      if (room === 'everything') return;
      const { bavail, bsize } = await statfs(path);
      await writeFile(ballast, Buffer.alloc(bavail * bsize - room, 1));
    },
    async [Symbol.asyncDispose]() {
      await run('umount', [path]);
      await rmdir(path);
    },
  };
}
