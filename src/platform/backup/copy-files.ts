// The files of a backup, after its database was copied.
import {
  copyBlob,
  copyBlobs,
  copyRanges,
  type FileCopy,
  forEach,
  type Size,
  sizeOfBlobs,
} from '../copying/files.ts';
import { extentOf, findUpload, listOpenUploads, type Upload } from '../copying/uploads.ts';
import type { Reader } from '../database/database.ts';

export interface CopiedFiles {
  media: Size;
  uploads: Size;
  /** Draft keys of unfinished uploads whose acknowledged bytes are not there. */
  missing: string[];
  /** Blob keys that rows name and the storage does not have. */
  missingFiles: string[];
}

/** The blobs that rows name, by pages: each is in the storage, or its draft is. */
export type ListNamed = (read: Reader) => AsyncIterable<readonly string[]>;

/**
 * Drafts before blobs: one that is published meanwhile moves from the first to the second, so it is met in one of them.
 * One that the copy knows as unfinished is then a blob that has the draft's key for its name, and is turned back.
 *
 * A folder that changes while it is listed may name a file twice, or not at all. So what is counted is what arrived, and in
 * the end every file that a row names is looked for.
 */
export async function copyFiles(
  copy: FileCopy & { read: Reader; listNamed: ListNamed | undefined },
): Promise<CopiedFiles> {
  const { from, to, read, listNamed } = copy;
  const open = new Map((await listOpenUploads(read)).map((upload) => [upload.draftKey, upload]));
  /** Bytes by draft key. */
  const copied = new Map<string, number>();
  const note = (upload: Upload): void => {
    copied.set(upload.draftKey, extentOf(upload));
    open.delete(upload.draftKey);
  };
  for await (const { key } of from.drafts.list()) {
    const upload = copied.has(key) ? undefined : await findUpload(read, key);
    if (!upload) continue;
    if (await copyRanges(copy, { key, ranges: upload.ranges })) note(upload);
    else await to.drafts.remove(key);
  }
  const published = new Map<Upload, string>();
  await copyBlobs(copy, (key) => {
    const upload = open.get(draftKeyOf(key) ?? '');
    if (upload) published.set(upload, key);
  });
  for (const [upload, key] of published) {
    const blob = await to.blobs.open(key);
    const extent = extentOf(upload);
    if (!blob || blob.size < extent) continue;
    await to.drafts.write(upload.draftKey, { offset: 0 }, blob.read({ start: 0, end: extent - 1 }));
    note(upload);
  }
  const missingFiles = new Set<string>();
  if (listNamed)
    await forEach(each(listNamed(read)), async (key) => {
      // Of an upload that was closed just before: the job that encodes it makes a blob of its draft.
      if (copied.has(draftKeyOf(key) ?? '') || (await to.blobs.open(key))) return;
      if ((await copyBlob(copy, key)) === undefined) missingFiles.add(key);
    });
  const bytes = [...copied.values()].reduce((sum, size) => sum + size, 0);
  return {
    media: await sizeOfBlobs(to),
    uploads: { files: copied.size, bytes },
    missing: [...open.keys()],
    missingFiles: [...missingFiles],
  };
}

async function* each<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page;
}

/** Of the blob that a draft becomes. */
const draftKeyOf = (blobKey: string): string | undefined => /([^/.]+)\.[^/]*$/.exec(blobKey)?.[1];
