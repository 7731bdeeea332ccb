// A site made from a backup, on whatever engine and store the settings name. The database is marked first and comes last: from the first
// file to the last row, and after a restore that is cut short, no program starts on it.
import { chmod, copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { copyBlobs, copyDraft, isAbsent, listWhole, type Size } from '../copying/files.ts';
import { dropAll, fill, type Indexed } from '../copying/fill.ts';
import { beginProgress, isCopyOf } from '../copying/progress.ts';
import type { Database, Reader } from '../database/database.ts';
import { migrateWithin, newestSchema } from '../database/migrate.ts';
import { openDatabase } from '../database/open.ts';
import { type DatabaseSettings, placeOf, type SqliteSettings, withPatience } from '../database/settings.ts';
import { conflict, DomainError, invalid } from '../errors.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';
import type { Site } from './backup.ts';
import { DATABASE_FILE, type Manifest, measure, readManifest, SECRET_KEY_FILE } from './manifest.ts';

interface Restore {
  site: Site;
  /** The backup's folder. */
  from: string;
  indexed: Indexed;
}

export interface Restored extends Manifest {
  /** Whether tokens of the backed-up site are still good here; undefined when the backup does not tell. */
  sameKey: boolean | undefined;
}

/**
 * Fills the site's data folder, database and storage, which must be empty or absent, from a backup. What was made of a
 * restore that fails is removed. Throws `conflict` (`folder_not_empty`, `database_not_empty`, `storage_not_empty`, `copy_unfinished`, `schema_newer`) or
 * `invalid` (`no_backup`, `backup_damaged`). The next start brings the schema up to date.
 */
export async function restore(options: Restore): Promise<Restored> {
  const { site } = options;
  const from = resolve(options.from);
  const manifest = await readManifest(from);
  const name = `backup ${from}`;
  if (site.database.engine === 'postgres') await checkServer(site.database);
  await checkFolder(site);
  await checkBackup(manifest, join(from, DATABASE_FILE));
  await using storage = await openStorage(site.storage);
  await checkStorage(storage);
  await mkdir(site.dataDir, { recursive: true });
  await mark(site.database, { name, schema: manifest.schema }).catch(async (error: unknown) => {
    const isSomebodys = error instanceof DomainError && error.kind === 'conflict';
    if (site.database.engine === 'sqlite' && !isSomebodys) await removeDatabase(site.database);
    throw error;
  });
  try {
    await fillFiles(manifest, { site, from, storage });
    if (site.database.engine === 'postgres') await fillServer({ ...options, from }, name);
    else await placeDatabase(site.database, from);
  } catch (error) {
    await undo({ site, storage, name });
    throw error;
  }
  return { ...manifest, sameKey: await isSameKey(manifest, { site, from }) };
}

async function checkServer(settings: DatabaseSettings): Promise<void> {
  await using database = await openPatiently(settings);
  await refuseTables(database.read, { database, settings });
}

async function refuseTables(
  read: Reader,
  { database, settings }: { database: Database; settings: DatabaseSettings },
): Promise<void> {
  const { catalog } = database.dialect;
  if (await catalog.hasTable(read, 'copy_progress'))
    throw conflict(
      'copy_unfinished',
      `${placeOf(settings)} holds a restore or a copy that was cut short or still runs. If it does not, empty the database, the storage and the data folder, then restore again.`,
    );
  for (const table of ['schema_migrations', 'users'])
    if (await catalog.hasTable(read, table))
      throw conflict(
        'database_not_empty',
        `${placeOf(settings)} is not empty; a backup is restored into an empty database.`,
      );
}

async function checkFolder({ dataDir, database }: Site): Promise<void> {
  const entries = await readdir(dataDir).catch(ignoringAbsence);
  if (entries && entries.length > 0)
    throw conflict(
      'folder_not_empty',
      `${dataDir} is not empty; a backup is restored into an empty data folder.`,
    );
  if (database.engine === 'postgres') return;
  // It may have a place of its own; a log left there would be taken for that of the restored one.
  for (const path of filesOf(database))
    if (await stat(path).catch(ignoringAbsence))
      throw conflict('folder_not_empty', `${path} is there already.`);
}

const filesOf = ({ path }: SqliteSettings): string[] =>
  ['', '-wal', '-shm', '-journal'].map((ending) => path + ending);

async function checkStorage(storage: Storage): Promise<void> {
  for (const { list } of [storage.blobs, storage.drafts])
    for await (const _ of list())
      throw conflict(
        'storage_not_empty',
        `${storage.description} is not empty; a backup is restored into an empty one.`,
      );
}

async function checkBackup({ schema, database }: Manifest, path: string): Promise<void> {
  if (schema > newestSchema())
    throw conflict(
      'schema_newer',
      `The backup has schema ${schema}, this program knows ${newestSchema()}: use a newer version of Veranda.`,
    );
  const found = await measure(path).catch(ignoringAbsence);
  if (found?.bytes !== database.bytes || found.sha256 !== database.sha256)
    throw damaged('its database is not the one that the manifest describes');
}

/** From now on no program starts on the database. */
async function mark(
  settings: DatabaseSettings,
  { name, schema }: { name: string; schema: number },
): Promise<void> {
  await using database = await openPatiently(settings);
  const { dialect } = database;
  await database.transaction(async (tx) => {
    // Programs make their tables under the same lock: before this, and they are found here, or not at all.
    await dialect.lock(tx, 'migrations');
    await refuseTables(tx, { database, settings });
    await migrateWithin(tx, dialect, { now: Date.now, upTo: schema });
    await beginProgress(tx, { source: name, shapes: await dialect.catalog.describeTables(tx) });
  });
}

async function fillFiles(
  manifest: Manifest,
  { site, from, storage }: { site: Site; from: string; storage: Storage },
): Promise<void> {
  await using source = await openStorage({ kind: 'local', folder: from });
  const scratch = join(site.dataDir, 'work');
  const copy = { from: source, to: storage, scratch };
  compare('media', await copyBlobs(copy), manifest.media);
  const uploads = { files: 0, bytes: 0 };
  for await (const { key } of source.drafts.list()) {
    uploads.bytes += (await copyDraft(copy, { key })) ?? 0;
    uploads.files += 1;
  }
  compare('uploads', uploads, manifest.uploads);
  await rm(scratch, { recursive: true, force: true });
  if (manifest.secretKey) await place(join(from, SECRET_KEY_FILE), join(site.dataDir, SECRET_KEY_FILE));
}

/** In place of the one that is marked, of which nothing must be taken for a part of it. */
async function placeDatabase(settings: SqliteSettings, from: string): Promise<void> {
  for (const path of filesOf(settings).slice(1)) await rm(path, { force: true });
  await place(join(from, DATABASE_FILE), settings.path);
}

/** From a copy of the backup's database: to open it would write beside it, and a backup may lie where nobody writes. */
async function fillServer({ site, from, indexed }: Restore, name: string): Promise<void> {
  const folder = join(site.dataDir, 'work');
  const path = join(folder, DATABASE_FILE);
  await mkdir(folder, { recursive: true });
  await place(join(from, DATABASE_FILE), path);
  {
    await using source = await openPatiently({ engine: 'sqlite', path });
    await using target = await openPatiently(site.database);
    await fill({ source, name, target, indexed, print: () => undefined }, 'snapshot');
  }
  await rm(folder, { recursive: true, force: true });
}

interface Target {
  site: Site;
  storage: Storage;
  /** Of the mark. */
  name: string;
}

/** Without the mark it is a site, which may run by now: that is left alone. */
async function undo({ site, storage, name }: Target): Promise<void> {
  if (!(await isMarked(site.database, name))) return;
  for await (const { key } of listWhole(storage)) await storage.blobs.remove([key]);
  for await (const { key } of storage.drafts.list()) await storage.drafts.remove(key);
  for (const entry of await readdir(site.dataDir))
    await rm(join(site.dataDir, entry), { recursive: true, force: true });
  await removeDatabase(site.database);
}

async function isMarked(settings: DatabaseSettings, source: string): Promise<boolean> {
  await using database = await openPatiently(settings);
  return await isCopyOf(database.read, { dialect: database.dialect, source });
}

async function removeDatabase(settings: DatabaseSettings): Promise<void> {
  if (settings.engine === 'sqlite') {
    for (const path of filesOf(settings)) await rm(path, { force: true });
    return;
  }
  await using database = await openPatiently(settings);
  await dropAll(database);
}

/** A key that is set counts, and not the one in the folder. */
async function isSameKey(
  { secretKey }: Manifest,
  { site, from }: { site: Site; from: string },
): Promise<boolean | undefined> {
  if (!secretKey) return undefined;
  if (site.secretKey === undefined) return true;
  return (await readFile(join(from, SECRET_KEY_FILE), 'utf8')).trim() === site.secretKey;
}

function compare(folder: string, found: Size, told: Size): void {
  if (found.files !== told.files || found.bytes !== told.bytes)
    throw damaged(
      `${folder} holds ${found.files} files of ${found.bytes} bytes and not ${told.files} of ${told.bytes}`,
    );
}

const damaged = (reason: string): Error => invalid('backup_damaged', `The backup is damaged: ${reason}.`);

/** Whole and durable, or not at all, and readable by its owner alone. */
async function place(from: string, to: string): Promise<void> {
  const partial = `${to}.restoring`;
  await copyFile(from, partial);
  await chmod(partial, 0o600);
  {
    await using file = await open(partial, 'r+');
    await file.sync();
  }
  await rename(partial, to);
  await using folder = await open(dirname(to), 'r');
  await folder.sync();
}

function ignoringAbsence(error: unknown): undefined {
  if (!isAbsent(error)) throw error;
}

const openPatiently = (settings: DatabaseSettings): Promise<Database> =>
  openDatabase(withPatience(settings), rethrow);

function rethrow(error: unknown): never {
  throw error;
}
