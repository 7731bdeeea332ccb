// Files that no row refers to. A blob is stored before the row that names it is committed, so a crash in between leaves
// one, as it may leave half a file. Only what is older than an hour goes: no verb takes that long from file to row, and
// a key that was dropped is never given again.
import { z } from 'zod';
import type { Database } from '../../platform/database/database.ts';
import { defineJob, type JobHandler } from '../../platform/jobs/jobs.ts';
import { captionKeys } from './caption-tracks.ts';
import { PAGE, pagesOf, pagesOfProfiles } from './row-pages.ts';
import { createRemovalHold } from '../../platform/storage/removal-hold.ts';
import type { Storage, StoredFile } from '../../platform/storage/storage.ts';

export const sweepOrphansJob = defineJob('sweep-orphans', { schema: z.object({}) });

const SAFE_AGE_MS = 3_600_000;
/** Names held in memory at once; for so many, every row is read once. */
const CANDIDATES = 20_000;

interface OrphanSweepOptions {
  database: Database;
  storage: Storage;
  now: () => number;
}

export function createOrphanSweep(
  options: OrphanSweepOptions,
): JobHandler<z.infer<typeof sweepOrphansJob.schema>> {
  const { storage, database, now } = options;
  const hold = createRemovalHold(database);
  return async ({ signal }) => {
    const oldest = now() - SAFE_AGE_MS;
    for await (const names of collect(storage.blobs.list(), oldest)) {
      // After the files were listed: what a row came to refer to meanwhile is seen here.
      for await (const referred of listBlobReferences(database))
        for (const name of referred) names.delete(name);
      await hold.lifted(signal);
      for (const name of names) {
        if (signal.aborted) return;
        if (isFolder(name)) await storage.blobs.removeAll(name);
        else await storage.blobs.remove([name]);
      }
    }
    for await (const names of collect(storage.drafts.list(), oldest)) {
      for await (const referred of listDraftReferences(database))
        for (const name of referred) names.delete(name);
      await hold.lifted(signal);
      for (const name of names) await storage.drafts.remove(name);
    }
  };
}

/** The names of files from before `oldest`, in portions. What was made of one video or picture goes by its folder. */
async function* collect(files: AsyncIterable<StoredFile>, oldest: number): AsyncGenerator<Set<string>> {
  let names = new Set<string>();
  for await (const { key, modifiedAt } of files) {
    if (modifiedAt >= oldest) continue;
    names.add(/^(?:hls|renditions)\/[^/]+(?=\/)/.exec(key)?.[0] ?? key);
    if (names.size < CANDIDATES) continue;
    yield names;
    names = new Set();
  }
  yield names;
}

const isFolder = (name: string): boolean => /^(?:hls|renditions)\/[^/]+$/.test(name);

async function* listBlobReferences(database: Database): AsyncGenerator<string[]> {
  const { read } = database;
  yield* inPages((after) =>
    read
      .selectFrom('media')
      .select(['id', 'fileKey', 'sourceKey', 'posterKey', 'hlsPrefix', 'draftPrefix', 'captions'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  );
  yield* textsOf(pagesOfProfiles(read));
  yield* listRenditionReferences(database);
}

async function* listRenditionReferences({ read }: Database): AsyncGenerator<string[]> {
  yield* inPages((after) =>
    read
      .selectFrom('pictures')
      .select(['id', 'draftPrefix', 'webpPrefix', 'avifPrefix'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  );
}

async function* listDraftReferences({ read }: Database): AsyncGenerator<string[]> {
  yield* inPages((after) =>
    read
      .selectFrom('uploads')
      .select(['id', 'draftKey'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute(),
  );
}

type Row = { id: number; captions?: string | null } & Record<string, string | number | null | undefined>;

const inPages = (readAfter: (id: number) => Promise<Row[]>): AsyncGenerator<string[]> =>
  textsOf(pagesOf(readAfter));

/** The text columns of all rows, a page of rows at a time. */
async function* textsOf(pages: AsyncIterable<Row[]>): AsyncGenerator<string[]> {
  for await (const rows of pages)
    yield rows.flatMap(({ captions = null, ...row }) => [
      ...captionKeys(captions),
      ...Object.values(row).filter((value) => typeof value === 'string'),
    ]);
}
