// A site made from a backup. The database comes last, so a restore that is cut short leaves no site that would start.
import { chmod, copyFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { newestSchema } from '../database/migrate.ts';
import { pathOf } from '../database/settings.ts';
import { conflict, invalid } from '../errors.ts';
import { openStorage } from '../storage/open.ts';
import type { Site } from './backup.ts';
import { copyBlobs, copyDraft } from './copies.ts';
import {
  DATABASE_FILE,
  type Manifest,
  measure,
  readManifest,
  SECRET_KEY_FILE,
  type Size,
} from './manifest.ts';

/**
 * Fills the site's data folder, which must be empty or absent, from the backup in the folder `from`. What was made of a
 * restore that fails is removed. Throws `conflict` (`folder_not_empty`, `schema_newer`) or `invalid` (`no_backup`,
 * `backup_damaged`). The next start brings the schema up to date.
 */
export async function restore(options: { site: Site; from: string }): Promise<Manifest> {
  const { site } = options;
  const from = resolve(options.from);
  const manifest = await readManifest(from);
  await checkEmpty(site);
  await checkDatabase(manifest, join(from, DATABASE_FILE));
  await mkdir(site.dataDir, { recursive: true });
  try {
    await fill(manifest, { site, from });
  } catch (error) {
    for (const name of await readdir(site.dataDir))
      await rm(join(site.dataDir, name), { recursive: true, force: true });
    throw error;
  }
  return manifest;
}

async function checkEmpty({ dataDir, database }: Site): Promise<void> {
  const entries = await readdir(dataDir).catch(ignoringAbsence);
  if (entries && entries.length > 0)
    throw conflict(
      'folder_not_empty',
      `${dataDir} is not empty; a backup is restored into an empty data folder.`,
    );
  // The database may have a place of its own; a log left there would be taken for that of the restored one.
  for (const ending of ['', '-wal', '-shm', '-journal'])
    if (await stat(pathOf(database) + ending).catch(ignoringAbsence))
      throw conflict('folder_not_empty', `${pathOf(database)}${ending} is there already.`);
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

async function fill(manifest: Manifest, { site, from }: { site: Site; from: string }): Promise<void> {
  await using source = await openStorage({ kind: 'local', folder: from });
  await using target = await openStorage(site.storage);
  const copy = { from: source, to: target, scratch: site.dataDir };
  compare('media', await copyBlobs(copy), manifest.media);
  const uploads = { files: 0, bytes: 0 };
  for await (const { key } of source.drafts.list()) {
    uploads.bytes += (await copyDraft(copy, { key })) ?? 0;
    uploads.files += 1;
  }
  compare('uploads', uploads, manifest.uploads);
  if (manifest.secretKey) await place(join(from, SECRET_KEY_FILE), join(site.dataDir, SECRET_KEY_FILE));
  await mkdir(dirname(pathOf(site.database)), { recursive: true });
  await place(join(from, DATABASE_FILE), pathOf(site.database));
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
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
