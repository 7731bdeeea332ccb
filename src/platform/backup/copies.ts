// Copying a store into another, file by file; a file arrives whole and durable or not at all.
import { constants, copyFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from '../storage/storage.ts';
import type { Size } from './manifest.ts';

interface Copy {
  from: Storage;
  to: Storage;
  /** A folder on the disk of `to` for files on their way. */
  scratch: string;
  /** Called with each blob that was copied. */
  onCopied?: (key: string) => void;
}

/** Copies every blob. Those that go away meanwhile are passed over: the caller knows that none of them matters. */
export async function copyBlobs({ from, to, scratch, onCopied }: Copy): Promise<Size> {
  const size = { files: 0, bytes: 0 };
  const incoming = join(scratch, 'incoming');
  for await (const { key } of from.blobs.list()) {
    if (isHalf(key)) continue;
    try {
      // A clone where the file system can share the bytes, else a copy.
      await from.blobs.withFile(key, (path) => copyFile(path, incoming, constants.COPYFILE_FICLONE));
    } catch (error) {
      if (isAbsent(error)) continue;
      throw error;
    }
    size.bytes += (await stat(incoming)).size;
    size.files += 1;
    await to.blobs.adopt(key, incoming);
    onCopied?.(key);
  }
  await rm(incoming, { force: true });
  return size;
}

/** Copies the first `bytes` of a draft; answers how many there were, or undefined when it is not there. */
export async function copyDraft(
  { from, to }: Pick<Copy, 'from' | 'to'>,
  { key, bytes = Infinity }: { key: string; bytes?: number },
): Promise<number | undefined> {
  try {
    return await to.drafts.write(key, { offset: 0 }, from.drafts.read(key, { start: 0, end: bytes - 1 }));
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await to.drafts.remove(key);
    return undefined;
  }
}

/** What a crash left, or somebody is writing just now. */
const isHalf = (key: string): boolean => key.endsWith('.partial');

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
