// Storage on the local disk: blobs under `media/`, drafts under `uploads/`, both below one data folder.
// A new file is written beside its place, synced, renamed and its folder synced, so a half-written blob is never seen.
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  constants,
  type FileHandle,
  mkdir,
  open,
  opendir,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { hasCode, refusingFullDisk, writeWhole } from './full-disk.ts';
import { type BlobStore, type DraftStore, isKey, type Storage, type StoredFile } from './storage.ts';

/** Bytes per read: twice as many are held for each client that reads slowly, and there may be thousands. */
const READ_AHEAD = 65_536;

export function openLocalStorage(folder: string): Storage {
  const blobs = createBlobs(join(folder, 'media'));
  return {
    blobs,
    drafts: createDrafts(join(folder, 'uploads'), blobs),
    description: `local disk (${folder})`,
    isShared: false,
    check: () =>
      refusingFullDisk(async () => {
        const path = join(folder, `.check-${randomUUID()}`);
        await mkdir(folder, { recursive: true });
        try {
          await writeFile(path, 'x', { flag: 'wx' });
        } finally {
          await rm(path, { force: true });
        }
      }),
    async [Symbol.asyncDispose]() {},
  };
}

function createBlobs(root: string): BlobStore {
  const pathOf = (key: string): string => locate(root, key);
  return {
    put: (key, content) =>
      refusingFullDisk(async () => {
        const path = pathOf(key);
        const partial = `${path}.${randomUUID()}.partial`;
        await makeFolder(dirname(path));
        try {
          await using file = await open(partial, 'wx');
          await file.writeFile(content);
          await file.sync();
          await rename(partial, path);
        } catch (error) {
          await rm(partial, { force: true });
          throw error;
        }
        await syncFolder(dirname(path));
      }),
    adopt: (key, path) => refusingFullDisk(() => moveDurably(path, pathOf(key))),
    async open(key) {
      if (!isKey(key)) return undefined;
      const path = pathOf(key);
      const found = await stat(path).catch(() => undefined);
      if (!found?.isFile()) return undefined;
      return {
        size: found.size,
        modifiedAt: found.mtimeMs,
        read: (range) => createReadStream(path, { ...range, highWaterMark: READ_AHEAD }),
      };
    },
    async remove(keys) {
      for (const key of keys) await rm(pathOf(key), { force: true });
    },
    async removeAll(prefix) {
      // Tried again where files come in meanwhile.
      await rm(pathOf(prefix), { recursive: true, force: true, maxRetries: 5 });
    },
    list: () => listFiles(root),
    withFile: async (key, use) => use(pathOf(key)),
  };
}

function createDrafts(root: string, blobs: BlobStore): DraftStore {
  const pathOf = (key: string): string => locate(root, key);
  const entered = createEntries();
  return {
    // No fence: a disk has one writer, which leases see to.
    write: (key, { offset }, content) =>
      refusingFullDisk(async () => {
        const path = pathOf(key);
        const file = await openForWriting(path);
        try {
          const written = await writeAll(file, { content, position: offset });
          await file.datasync();
          await entered.enter(path);
          return written;
        } finally {
          await file.close();
        }
      }),
    read(key, range) {
      const path = pathOf(key);
      // Opened once it is read: what fails before anybody listens would end the process, and drafts go away at any time.
      return Readable.from(readRange(path, range), { objectMode: false });
    },
    publish: (key, { size, blobKey }) =>
      refusingFullDisk(async () => {
        const path = pathOf(key);
        entered.forget(path);
        try {
          {
            await using file = await open(path, 'r+');
            await file.truncate(size);
          }
          await blobs.adopt(blobKey, path);
        } catch (error) {
          // Somebody published it before, perhaps just now.
          if (!hasCode(error, 'ENOENT') || !(await blobs.open(blobKey))) throw error;
        }
      }),
    async remove(key) {
      entered.forget(pathOf(key));
      await rm(pathOf(key), { force: true });
    },
    list: () => listFiles(root),
  };
}

/** Drafts whose entries in their folder are known to be durable; of more at a time some are synced once more. */
const MOST_ENTRIES = 10_000;

/**
 * The entry of a file in its folder must last as long as its bytes. Whoever made the file may still be writing, and may be
 * another process: so everybody sees to it before the first answer.
 */
function createEntries() {
  const known = new Set<string>();
  return {
    async enter(path: string): Promise<void> {
      if (known.has(path)) return;
      await syncFolder(dirname(path));
      if (known.size >= MOST_ENTRIES) known.clear();
      known.add(path);
    },
    forget: (path: string): boolean => known.delete(path),
  };
}

/** Folder by folder; one that goes away meanwhile has nothing more to say. */
async function* listFiles(root: string, above = ''): AsyncGenerator<StoredFile> {
  const folder = await opendir(join(root, above)).catch(ignoringAbsence);
  if (!folder) return;
  for await (const entry of folder) {
    const key = `${above}${entry.name}`;
    // Such as `lost+found`, which not everybody may look into.
    if (!isKey(key)) continue;
    if (entry.isDirectory()) yield* listFiles(root, `${key}/`);
    const found = entry.isFile() ? await stat(join(root, key)).catch(ignoringAbsence) : undefined;
    if (found) yield { key, modifiedAt: found.mtimeMs };
  }
}

function ignoringAbsence(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
}

function locate(root: string, key: string): string {
  if (!isKey(key)) throw new Error('A storage key has characters that no key of ours has');
  return join(root, ...key.split('/'));
}

/** Opens without truncating, and makes what is not there. */
async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  await makeFolder(dirname(path));
  return open(path, constants.O_RDWR | constants.O_CREAT);
}

/** A folder that is made here is entered durably in the one above it, up to the first that was there. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

async function* readRange(path: string, range: { start: number; end: number }): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, range);
}

/** Answers the bytes written. */
async function writeAll(
  file: FileHandle,
  { content, position }: { content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>; position: number },
): Promise<number> {
  let at = position;
  for await (const bytes of content) {
    await writeWhole(file, bytes, at);
    at += bytes.length;
  }
  return at - position;
}

async function moveDurably(from: string, to: string): Promise<void> {
  {
    await using file = await open(from, 'r+');
    await file.sync();
  }
  await makeFolder(dirname(to));
  await rename(from, to);
  await syncFolder(dirname(to));
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
