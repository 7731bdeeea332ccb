// A site made from a backup, on whatever engine and store the settings name. The database comes last, so a restore that is cut short leaves
// no site that would start.
import { chmod, copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { copyBlobs, copyDraft, isAbsent, listWhole, type Size } from '../copying/files.ts';
import { dropAll, fill, type Indexed } from '../copying/fill.ts';
import type { Database } from '../database/database.ts';
import { newestSchema } from '../database/migrate.ts';
import { openDatabase } from '../database/open.ts';
import { type DatabaseSettings, placeOf, withPatience } from '../database/settings.ts';
import { conflict, invalid } from '../errors.ts';
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
 * restore that fails is removed. Throws `conflict` (`folder_not_empty`, `database_not_empty`, `storage_not_empty`, `schema_newer`) or
 * `invalid` (`no_backup`, `backup_damaged`). The next start brings the schema up to date.
 */
export async function restore(options: Restore): Promise<Restored> {
  const { site } = options;
  const from = resolve(options.from);
  const manifest = await readManifest(from);
  await checkFolder(site.dataDir);
  await checkDatabase(manifest, join(from, DATABASE_FILE));
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await openServer(site.database));
  const storage = opened.use(await openStorage(site.storage));
  await checkStorage(storage);
  await mkdir(site.dataDir, { recursive: true });
  try {
    await fillFiles(manifest, { site, from, storage });
    await (server ? fillServer(server, { ...options, from }) : placeDatabase(site.database, from));
  } catch (error) {
    await undo({ site, server, storage });
    throw error;
  }
  return { ...manifest, sameKey: await isSameKey(manifest, { site, from }) };
}

async function checkFolder(dataDir: string): Promise<void> {
  const entries = await readdir(dataDir).catch(ignoringAbsence);
  if (entries && entries.length > 0)
    throw conflict(
      'folder_not_empty',
      `${dataDir} is not empty; a backup is restored into an empty data folder.`,
    );
}

/** The database, when it is one of a server. Of a file, which must not be there, undefined. */
async function openServer(settings: DatabaseSettings): Promise<Database | undefined> {
  if (settings.engine === 'sqlite') {
    // It may have a place of its own; a log left there would be taken for that of the restored one.
    for (const ending of ['', '-wal', '-shm', '-journal'])
      if (await stat(settings.path + ending).catch(ignoringAbsence))
        throw conflict('folder_not_empty', `${settings.path}${ending} is there already.`);
    return undefined;
  }
  const database = await openDatabase(withPatience(settings), rethrow);
  const { catalog } = database.dialect;
  for (const table of ['schema_migrations', 'users', 'copy_progress'])
    if (await catalog.hasTable(database.read, table)) {
      await database[Symbol.asyncDispose]();
      throw conflict(
        'database_not_empty',
        `${placeOf(settings)} is not empty; a backup is restored into an empty database.`,
      );
    }
  return database;
}

async function checkStorage(storage: Storage): Promise<void> {
  for (const { list } of [storage.blobs, storage.drafts])
    for await (const _ of list())
      throw conflict(
        'storage_not_empty',
        `${storage.description} is not empty; a backup is restored into an empty one.`,
      );
}

async function checkDatabase({ schema, database }: Manifest, path: string): Promise<void> {
  if (schema > newestSchema())
    throw conflict(
      'schema_newer',
      `The backup has schema ${schema}, this program knows ${newestSchema()}: use a newer version of Veranda.`,
    );
  const found = await measure(path).catch(ignoringAbsence);
  if (found?.bytes !== database.bytes || found.sha256 !== database.sha256)
    throw damaged('its database is not the one that the manifest describes');
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

async function placeDatabase(settings: DatabaseSettings, from: string): Promise<void> {
  const path = placeOf(settings);
  await mkdir(dirname(path), { recursive: true });
  await place(join(from, DATABASE_FILE), path);
}

/** From a copy of the backup's database: to open it would write beside it, and a backup may lie where nobody writes. */
async function fillServer(target: Database, { site, from, indexed }: Restore): Promise<void> {
  const folder = join(site.dataDir, 'work');
  const path = join(folder, DATABASE_FILE);
  await mkdir(folder, { recursive: true });
  await place(join(from, DATABASE_FILE), path);
  {
    await using source = await openDatabase({ engine: 'sqlite', path }, rethrow);
    await fill({ source, name: `backup ${from}`, target, indexed, print: () => undefined }, 'snapshot');
  }
  await rm(folder, { recursive: true, force: true });
}

interface Target {
  site: Site;
  server: Database | undefined;
  storage: Storage;
}

async function undo({ site, server, storage }: Target): Promise<void> {
  for await (const { key } of listWhole(storage)) await storage.blobs.remove([key]);
  for await (const { key } of storage.drafts.list()) await storage.drafts.remove(key);
  for (const name of await readdir(site.dataDir))
    await rm(join(site.dataDir, name), { recursive: true, force: true });
  if (server) await dropAll(server);
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

function rethrow(error: unknown): never {
  throw error;
}
