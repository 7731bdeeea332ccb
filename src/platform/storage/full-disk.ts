// Writing to a disk that may be full: an ordinary event, which whoever uploads has to hear of.
import type { FileHandle } from 'node:fs/promises';
import { unavailable } from '../errors.ts';

/** Throws `unavailable` (`storage_full`) where `work` fails for want of room. */
export async function refusingFullDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!hasCode(error, 'ENOSPC') && !hasCode(error, 'EDQUOT')) throw error;
    throw unavailable('storage_full', 'The server has no space left for files. Please try again later.', {
      retryAfter: 60,
    });
  }
}

/** A disk that runs full writes what still fits, and fails only at the next try. */
export async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let from = 0; from < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, from, bytes.length - from, position + from);
    from += bytesWritten;
  }
}

export const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
