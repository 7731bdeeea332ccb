// A copy of a running site that holds together: the database as it was at one moment after the start, and every file
// that its rows name. docs/decisions/012-backup.md says why this order is enough:
//
//   hold removals → copy the database → unfinished uploads → all blobs → lift the hold → manifest
import { chmod, copyFile, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { sql } from 'kysely';
import { fill, type Indexed } from '../copying/fill.ts';
import type { Database } from '../database/database.ts';
import { newestSchema, readSchema } from '../database/migrate.ts';
import { isThere, openDatabase } from '../database/open.ts';
import { type DatabaseSettings, placeOf, withPatience } from '../database/settings.ts';
import { conflict } from '../errors.ts';
import { openStorage } from '../storage/open.ts';
import type { StorageSettings } from '../storage/settings.ts';
import { HOLD_KIND, holdRemovals } from '../storage/removal-hold.ts';
import { copyFiles, type ListNamed } from './copy-files.ts';
import { DATABASE_FILE, type Manifest, measure, SECRET_KEY_FILE, writeManifest } from './manifest.ts';

/** Where a site keeps what it is made of. */
export interface Site {
  dataDir: string;
  database: DatabaseSettings;
  storage: StorageSettings;
  /** Set when the one in the data folder is not in use. */
  secretKey: string | undefined;
}

/**
 * Copies the site, which may be running, into the folder `to`, which must be empty or absent and lie outside of the data
 * folder. What was made of a backup that fails is removed. Throws `conflict` (`folder_not_empty`, `folder_inside_site`,
 * `no_site`, `backup_running`, `backup_interrupted`).
 */
export async function backUp(options: {
  site: Site;
  to: string;
  version: string;
  indexed: Indexed;
  listNamed: ListNamed;
}): Promise<Manifest> {
  const { site, version, indexed, listNamed } = options;
  const to = resolve(options.to);
  const startedAt = new Date().toISOString();
  await checkFolders(site, to);
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await openDatabase(withPatience(site.database), rethrow));
  await needSite(database, site.database);
  const from = opened.use(await openStorage(site.storage));
  const target = opened.use(await openStorage({ kind: 'local', folder: to }));
  const hold = opened.use(await holdRemovals(database));
  await claimFolder(to);
  try {
    const path = join(to, DATABASE_FILE);
    await copyRows(database, { path, indexed });
    const { schema, files } = await withCopy(path, async (copy) => {
      await settle(copy);
      const schema = await readSchema(copy.read);
      return {
        schema,
        files: await copyFiles({
          ...{ from, to: target, scratch: join(to, 'work'), read: copy.read },
          // It reads the tables of this version.
          listNamed: schema === newestSchema() ? listNamed : undefined,
        }),
      };
    });
    await rm(join(to, 'work'), { recursive: true, force: true });
    const secretKey = site.secretKey === undefined && (await copySecretKey(site.dataDir, to));
    await hold.confirm();
    const manifest: Manifest = {
      ...{ format: 1, version, schema, startedAt, finishedAt: new Date().toISOString() },
      database: await measure(path),
      ...files,
      secretKey,
    };
    await writeManifest(to, manifest);
    return manifest;
  } catch (error) {
    for (const name of await readdir(to)) await rm(join(to, name), { recursive: true, force: true });
    throw error;
  }
}

async function checkFolders({ dataDir, database }: Site, to: string): Promise<void> {
  if (`${to}${sep}`.startsWith(`${resolve(dataDir)}${sep}`))
    throw conflict('folder_inside_site', `${to} lies inside of the data folder; a backup belongs elsewhere.`);
  const entries = await readdir(to).catch(ignoringAbsence);
  if (entries && entries.length > 0) throw conflict('folder_not_empty', `${to} is not empty.`);
  if (!(await isThere(database)))
    throw conflict('no_site', `There is no site to back up: ${placeOf(database)} does not exist.`);
}

async function needSite({ read, dialect }: Database, settings: DatabaseSettings): Promise<void> {
  if (!(await dialect.catalog.hasTable(read, 'schema_migrations')))
    throw conflict('no_site', `There is no site to back up: ${placeOf(settings)} has no tables of one.`);
  if (await dialect.catalog.hasTable(read, 'copy_progress'))
    throw conflict('copy_unfinished', `${placeOf(settings)} is a copy that is not finished.`);
}

/** Made before SQLite fills it, so that nobody else reads password hashes in it, and of two backups one has the folder. */
async function claimFolder(to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const file = await open(join(to, DATABASE_FILE), 'wx', 0o600).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
    throw conflict('folder_not_empty', `${to} is not empty.`);
  });
  await file.close();
}

/** A file of SQLite, whatever the site runs on: a backup is read without a server, and comes back onto either engine. */
async function copyRows(
  database: Database,
  { path, indexed }: { path: string; indexed: Indexed },
): Promise<void> {
  if (database.backup) return database.backup(path);
  return withCopy(path, (target) =>
    fill(
      { source: database, name: database.description, target, indexed, print: () => undefined },
      'snapshot',
    ),
  );
}

async function withCopy<T>(path: string, work: (copy: Database) => Promise<T>): Promise<T> {
  await using copy = await openDatabase({ engine: 'sqlite', path }, rethrow);
  return await work(copy);
}

/** What was under way when the rows were copied is so no longer where they come back. */
async function settle(copy: Database): Promise<void> {
  await copy.transaction(async (tx) => {
    // The hold is that of this backup, not of the site that is made from it.
    await tx.deleteFrom('jobs').where('kind', '=', HOLD_KIND).execute();
    // Parts that were still coming.
    await tx.deleteFrom('uploadParts').where('leaseHolder', 'is not', null).execute();
    await tx
      .updateTable('jobs')
      .set({ leaseHolder: null, leaseUntil: 0, attempts: sql<number>`max(attempts - 1, 0)` })
      .where('leaseUntil', '>', 0)
      .execute();
    await tx
      .updateTable('uploads')
      .set({ leaseHolder: null, leaseUntil: 0 })
      .where('leaseUntil', '>', 0)
      .execute();
  });
}

async function copySecretKey(dataDir: string, to: string): Promise<boolean> {
  const path = join(to, SECRET_KEY_FILE);
  try {
    await copyFile(join(dataDir, SECRET_KEY_FILE), path);
  } catch (error) {
    ignoringAbsence(error);
    return false;
  }
  await chmod(path, 0o600);
  await using file = await open(path, 'r+');
  await file.sync();
  return true;
}

function ignoringAbsence(error: unknown): undefined {
  if (!hasCode(error, 'ENOENT')) throw error;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

function rethrow(error: unknown): never {
  throw error;
}
