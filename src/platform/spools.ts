// Bytes that have to be held until it is known what they are good for: a block of them in memory, more of them in a file
// that has no name, so that it goes away with whoever holds it, also by a crash.
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { refusingFullDisk, writeWhole } from './storage/full-disk.ts';

/** What was added, in order, as often as it is read; each piece is good until the next is asked for. One reads at a time. */
export interface Spool extends AsyncDisposable, AsyncIterable<Uint8Array> {
  /** Bytes. */
  readonly length: number;
  /** Throws `unavailable` (`storage_full`). Is done with `bytes` when it resolves. */
  add(bytes: Uint8Array): Promise<void>;
}

/** Bytes in memory: a chunk as the classic page sends it. */
const BLOCK = 2 ** 20;

export function createSpools({ folder }: { folder: string }): { open(): Spool } {
  return { open: () => openSpool(folder) };
}

function openSpool(folder: string): Spool {
  let block: Buffer<ArrayBuffer> | undefined;
  let length = 0;
  let file: FileHandle | undefined;
  /** Bytes at the beginning that are in the file; the others are in the block. */
  let filed = 0;

  async function toFile(): Promise<void> {
    file ??= await openNameless(folder);
    if (block) await writeWhole(file, block.subarray(0, length - filed), filed);
    filed = length;
  }

  return {
    get length() {
      return length;
    },
    async add(bytes) {
      for (let from = 0; from < bytes.length;) {
        if (length - filed === BLOCK) await refusingFullDisk(toFile);
        block ??= Buffer.allocUnsafeSlow(BLOCK);
        const piece = bytes.subarray(from, from + BLOCK - (length - filed));
        block.set(piece, length - filed);
        length += piece.length;
        from += piece.length;
      }
    },
    async *[Symbol.asyncIterator]() {
      if (!block) return;
      if (!file) {
        yield block.subarray(0, length);
        return;
      }
      await refusingFullDisk(toFile);
      for (let at = 0; at < length;) {
        const { bytesRead } = await file.read(block, 0, BLOCK, at);
        if (bytesRead === 0) throw new Error('A spool is shorter than what was added to it');
        yield block.subarray(0, bytesRead);
        at += bytesRead;
      }
    },
    async [Symbol.asyncDispose]() {
      // Memory outside of V8's heap would wait for a collection of garbage.
      block?.buffer.transfer(0);
      block = undefined;
      await file?.close();
    },
  };
}

async function openNameless(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `spool-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await rm(path);
  return file;
}
