// A copy of a running site that holds together: the database as it was at one moment after the start, and every file
// that its rows name. docs/decisions/012-backup.md says why this order is enough:
//
//   hold removals → copy the database → unfinished uploads → all blobs → lift the hold → manifest
import { chmod, copyFile, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Database } from '../database/database.ts';
import { readSchema } from '../database/migrate.ts';
import { openDatabase } from '../database/open.ts';
import { type DatabaseSettings, pathOf } from '../database/settings.ts';
import { conflict } from '../errors.ts';
import { openStorage, type StorageSettings } from '../storage/open.ts';
import { HOLD_KIND, holdRemovals } from '../storage/removal-hold.ts';
import type { Storage } from '../storage/storage.ts';
import { copyBlobs, copyDraft } from './copies.ts';
import {
  DATABASE_FILE,
  type Manifest,
  measure,
  SECRET_KEY_FILE,
  type Size,
  writeManifest,
} from './manifest.ts';

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
export async function backUp(options: { site: Site; to: string; version: string }): Promise<Manifest> {
  const { site, version } = options;
  const to = resolve(options.to);
  const startedAt = new Date().toISOString();
  await checkFolders(site, to);
  await using opened = new AsyncDisposableStack();
  const database = opened.use(await openDatabase(site.database, rethrow));
  const from = opened.use(await openStorage(site.storage));
  const target = opened.use(await openStorage({ kind: 'local', folder: to }));
  const hold = opened.use(await holdRemovals(database));
  await claimFolder(to);
  try {
    const { schema, uploads } = await copyDatabase(database, join(to, DATABASE_FILE));
    const files = await copyFiles({ from, to: target, scratch: to, uploads });
    const secretKey = site.secretKey === undefined && (await copySecretKey(site.dataDir, to));
    await hold.confirm();
    const manifest: Manifest = {
      ...{ format: 1, version, schema, startedAt, finishedAt: new Date().toISOString() },
      database: await measure(join(to, DATABASE_FILE)),
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
  if (!(await stat(pathOf(database)).catch(ignoringAbsence)))
    throw conflict('no_site', `There is no site to back up: ${pathOf(database)} does not exist.`);
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

/** An upload with bytes, as the copy knows it. */
interface Upload {
  draftKey: string;
  bytes: number;
  finished: boolean;
}

async function copyDatabase(
  database: Database,
  path: string,
): Promise<{ schema: number; uploads: Map<string, Upload> }> {
  await database.backup(path);
  await using copy = await openDatabase({ engine: 'sqlite', path }, rethrow);
  // The hold is that of this backup, not of the site that is made from it.
  await copy.transaction(async (tx) => tx.deleteFrom('jobs').where('kind', '=', HOLD_KIND).execute());
  const rows = await copy.read
    .selectFrom('uploads')
    .select(['draftKey', 'offset', 'finishedAt'])
    .where('offset', '>', 0)
    .execute();
  const uploads = rows.map(({ draftKey, offset, finishedAt }): [string, Upload] => [
    draftKey,
    { draftKey, bytes: offset, finished: finishedAt !== null },
  ]);
  return { schema: await readSchema(copy), uploads: new Map(uploads) };
}

interface FileCopy {
  from: Storage;
  to: Storage;
  scratch: string;
  uploads: ReadonlyMap<string, Upload>;
}

/**
 * Drafts before blobs: one that is published meanwhile moves from the first to the second, so it is met in one of them.
 * One that the copy knows as unfinished is then a blob that has the draft's key for its name, and is turned back.
 */
async function copyFiles(copy: FileCopy): Promise<{ media: Size; uploads: Size; missing: string[] }> {
  const { from, to, uploads } = copy;
  const drafts = { files: 0, bytes: 0 };
  const open = new Map([...uploads].filter(([, { finished }]) => !finished));
  const count = ({ draftKey, bytes }: Upload): void => {
    drafts.files += 1;
    drafts.bytes += bytes;
    open.delete(draftKey);
  };
  for await (const { key } of from.drafts.list()) {
    const upload = uploads.get(key);
    if (!upload) continue;
    if ((await copyDraft(copy, { key, bytes: upload.bytes })) === upload.bytes) count(upload);
    else await to.drafts.remove(key);
  }
  const published = new Map<Upload, string>();
  const onCopied = (key: string): void => {
    const upload = open.get(/([^/.]+)\.[^/]*$/.exec(key)?.[1] ?? '');
    if (upload) published.set(upload, key);
  };
  const media = await copyBlobs({ ...copy, onCopied });
  for (const [upload, key] of published) {
    const blob = await to.blobs.open(key);
    if (!blob || blob.size < upload.bytes) continue;
    await to.drafts.write(upload.draftKey, { offset: 0 }, blob.read({ start: 0, end: upload.bytes - 1 }));
    count(upload);
  }
  return { media, uploads: drafts, missing: [...open.keys()] };
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
