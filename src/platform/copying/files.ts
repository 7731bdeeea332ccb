// Copying a store into another, file by file and several at a time; a file arrives whole and durable or not at all, and none is ever
// held in memory.
import { randomUUID } from 'node:crypto';
import { constants, copyFile, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Range } from './uploads.ts';
import { isKey, type Storage, type StoredFile } from '../storage/storage.ts';

export interface FileCopy {
  from: Storage;
  to: Storage;
  /** A folder for files on their way, on the disk of `to` if that is one. */
  scratch: string;
}

export interface Size {
  files: number;
  bytes: number;
}

const AT_ONCE = 8;

/** Copies one blob and answers its bytes; undefined when it is not there. */
export async function copyBlob({ from, to, scratch }: FileCopy, key: string): Promise<number | undefined> {
  const incoming = join(scratch, `incoming-${randomUUID()}`);
  await mkdir(scratch, { recursive: true });
  try {
    // A clone where the file system can share the bytes, else a copy.
    await from.blobs.withFile(key, (path) => copyFile(path, incoming, constants.COPYFILE_FICLONE));
    const { size } = await stat(incoming);
    await to.blobs.adopt(key, incoming);
    return size;
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return undefined;
  } finally {
    await rm(incoming, { force: true });
  }
}

/**
 * Copies every blob, and calls `onCopied` with each. Those that go away meanwhile are passed over: the caller knows that
 * none of them matters.
 */
export async function copyBlobs(copy: FileCopy, onCopied?: (key: string) => void): Promise<Size> {
  const size = { files: 0, bytes: 0 };
  await forEach(listWhole(copy.from), async ({ key }) => {
    const bytes = await copyBlob(copy, key);
    if (bytes === undefined) return;
    size.bytes += bytes;
    size.files += 1;
    onCopied?.(key);
  });
  return size;
}

/** Of all that `copyBlobs` would copy. */
export async function sizeOfBlobs(storage: Storage): Promise<Size> {
  const size = { files: 0, bytes: 0 };
  await forEach(listWhole(storage), async ({ key }) => {
    const blob = await storage.blobs.open(key);
    size.bytes += blob?.size ?? 0;
    size.files += 1;
  });
  return size;
}

/** Copies the bytes of a draft from `start` on and up to `end`; answers how many there were, or undefined when it is not there. */
export async function copyDraft(
  { from, to }: Pick<FileCopy, 'from' | 'to'>,
  { key, start = 0, end = Infinity }: { key: string; start?: number; end?: number },
): Promise<number | undefined> {
  try {
    const content = from.drafts.read(key, { start, end: end - 1 });
    return await to.drafts.write(key, { offset: start }, content);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    await to.drafts.remove(key);
    return undefined;
  }
}

/** Whether all of them were there. */
export async function copyRanges(
  copy: Pick<FileCopy, 'from' | 'to'>,
  { key, ranges }: { key: string; ranges: readonly Range[] },
): Promise<boolean> {
  for (const { start, end } of ranges)
    if ((await copyDraft(copy, { key, start, end })) !== end - start) return false;
  return true;
}

/** The blobs that a row can name; not what a crash left, somebody is writing just now, or was put there by hand. */
export async function* listWhole({ blobs }: Storage): AsyncGenerator<StoredFile> {
  for await (const file of blobs.list()) if (isKey(file.key) && !file.key.endsWith('.partial')) yield file;
}

/** Several at a time. After a failure no more are begun, and it is thrown when those under way have ended. */
export async function forEach<T>(items: AsyncGenerator<T>, work: (item: T) => Promise<void>): Promise<void> {
  let failed = false;
  async function run(): Promise<void> {
    for (;;) {
      const next = failed ? undefined : await items.next();
      if (!next || next.done) return;
      await work(next.value);
    }
  }
  const runs = Array.from({ length: AT_ONCE }, () =>
    run().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  const ended = await Promise.allSettled(runs);
  await items.return(undefined);
  const failure = ended.find((end) => end.status === 'rejected');
  if (failure) throw failure.reason;
}

export const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT';
