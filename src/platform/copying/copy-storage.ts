// A site's files, moved to another store: blobs, and the acknowledged bytes of drafts. It may run while the site does, any number of
// times: what is there already is passed over. The last run, with the site stopped, finds the little that is left.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Reader } from '../database/database.ts';
import { conflict } from '../errors.ts';
import { openStorage } from '../storage/open.ts';
import type { StorageSettings } from '../storage/settings.ts';
import type { Blob } from '../storage/storage.ts';
import { copyBlob, copyRanges, type FileCopy, forEach, isAbsent, listWhole, type Size } from './files.ts';
import { findUpload, listOpenUploads, type Range } from './uploads.ts';

export interface StorageReport {
  copied: Size;
  /** Files that were there already. */
  passedOver: number;
  drafts: Size;
  /** Unfinished uploads whose acknowledged bytes are in neither store. */
  missing: string[];
}

interface StorageCopy {
  from: StorageSettings;
  to: StorageSettings;
  /** Of the site's database, which knows what was acknowledged. */
  read: Reader;
  /** Reads every file in both stores and compares SHA-256, also of what was there already. */
  verify: boolean;
  print: (line: string) => void;
}

/** Nothing is removed from either store. Throws `conflict` (`same_storage`, `file_differs`). */
export async function copyStorage({ from, to, read, verify, print }: StorageCopy): Promise<StorageReport> {
  if (isSame(from, to)) throw conflict('same_storage', 'Source and target are the same.');
  await using source = await openStorage(from);
  await using target = await openStorage(to);
  const copy = { from: source, to: target, scratch: join(to.folder, 'work') };
  // Drafts first: one that is published meanwhile is a blob when their turn comes.
  const { drafts, missing } = await copyDrafts(copy, { read, verify });
  const report = { copied: { files: 0, bytes: 0 }, passedOver: 0, drafts, missing };
  let saidAt = Date.now();
  await forEach(listWhole(source), async ({ key }) => {
    const outcome = await bringOver(copy, { key, verify });
    if (outcome === 'there') report.passedOver += 1;
    else if (outcome !== 'gone') {
      report.copied.files += 1;
      report.copied.bytes += outcome;
    }
    if (Date.now() - saidAt < 5_000) return;
    saidAt = Date.now();
    print(
      `${report.copied.files} files copied (${report.copied.bytes} bytes), ${report.passedOver} there already`,
    );
  });
  return report;
}

function isSame(from: StorageSettings, to: StorageSettings): boolean {
  if (from.kind === 'local' || to.kind === 'local') return from.kind === to.kind && from.folder === to.folder;
  return from.endpoint === to.endpoint && from.bucket === to.bucket;
}

/** Takes a file over unless it is there, and answers its bytes; `gone` when it was removed meanwhile. */
async function bringOver(
  copy: FileCopy,
  { key, verify }: { key: string; verify: boolean },
): Promise<number | 'there' | 'gone'> {
  const blob = await copy.from.blobs.open(key);
  if (!blob) return 'gone';
  if (await isSameBlob(blob, { copy, key, verify })) return 'there';
  const bytes = await copyBlob(copy, key);
  if (bytes === undefined) return 'gone';
  if (!(await isSameBlob(blob, { copy, key, verify })))
    throw conflict('file_differs', `${key} is not the same in the target after it was copied.`);
  return bytes;
}

async function isSameBlob(
  blob: Blob,
  { copy, key, verify }: { copy: FileCopy; key: string; verify: boolean },
): Promise<boolean> {
  const there = await copy.to.blobs.open(key);
  if (there?.size !== blob.size) return false;
  return !verify || blob.size === 0 || (await hashOf(blob.read())) === (await hashOf(there.read()));
}

async function copyDrafts(
  copy: FileCopy,
  { read, verify }: { read: Reader; verify: boolean },
): Promise<Pick<StorageReport, 'drafts' | 'missing'>> {
  const drafts = { files: 0, bytes: 0 };
  const missing = new Set((await listOpenUploads(read)).map(({ draftKey }) => draftKey));
  for await (const { key } of copy.from.drafts.list()) {
    const upload = await findUpload(read, key);
    if (!upload) continue;
    const { ranges } = upload;
    if (!(await isSameDraft(copy, { key, ranges, verify }))) {
      if (!(await copyRanges(copy, { key, ranges }))) {
        // Published meanwhile, or not whole.
        await copy.to.drafts.remove(key);
        continue;
      }
      if (!(await isSameDraft(copy, { key, ranges, verify })))
        throw conflict(
          'file_differs',
          `The unfinished upload ${key} is not the same in the target after it was copied.`,
        );
    }
    drafts.files += 1;
    for (const { start, end } of ranges) drafts.bytes += end - start;
    missing.delete(key);
  }
  return { drafts, missing: [...missing] };
}

/** The last byte of a range is there only when all of it is. */
async function isSameDraft(
  { from, to }: FileCopy,
  { key, ranges, verify }: { key: string; ranges: readonly Range[]; verify: boolean },
): Promise<boolean> {
  for (const range of ranges) {
    const place = { start: verify ? range.start : range.end - 1, end: range.end - 1 };
    const [one, other] = await Promise.all(
      [from, to].map(({ drafts }) => hashOf(drafts.read(key, place)).catch(ignoringAbsence)),
    );
    if (one === undefined || one !== other) return false;
  }
  return true;
}

async function hashOf(content: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of content) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

function ignoringAbsence(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}
