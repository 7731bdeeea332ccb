// Verbs that copy a site, or a part of it: between databases, between stores, into a backup and back.
import { resolve } from 'node:path';
import { type Config, ConfigError, readConfig, readEnvironment } from '../config.ts';
import { listNamedBlobs as listNamed } from '../features/media/index.ts';
import { searchedPosts as indexed } from '../features/posts/index.ts';
import { explainStart } from '../main.ts';
import { backUp } from '../platform/backup/backup.ts';
import { restore } from '../platform/backup/restore.ts';
import { copyDatabase } from '../platform/copying/copy-database.ts';
import { copyStorage } from '../platform/copying/copy-storage.ts';
import type { Size } from '../platform/copying/files.ts';
import { openDatabase } from '../platform/database/open.ts';
import { type DatabaseSettings, placeOf } from '../platform/database/settings.ts';
import type { StorageSettings } from '../platform/storage/settings.ts';
import { readVersion } from '../platform/version.ts';
import { parse, print, UsageError } from './arguments.ts';

interface Call {
  config: Config;
  args: string[];
}

const text = { type: 'string' } as const;
/** Of files that are missing; the manifest has them all. */
const SHOWN = 20;

export async function backupVerb({ config, args }: Call): Promise<number> {
  const { to } = parse(args, { to: text }).values;
  if (!to) throw new UsageError('backup needs --to');
  const version = readVersion();
  const manifest = await backUp({ site: config, to, version, indexed, listNamed }).catch(explaining(config));
  const { media, uploads, missing, missingFiles, secretKey } = manifest;
  print(`backed up to ${to}: ${media.files} files of media, ${uploads.files} unfinished uploads`);
  for (const key of missing)
    print(`warning: the bytes of the unfinished upload ${key} are not in the storage`);
  for (const key of missingFiles.slice(0, SHOWN))
    print(`warning: ${key} is named by the database and not in the storage`);
  if (missingFiles.length > SHOWN)
    print(`warning: ${missingFiles.length - SHOWN} more such files are in ${to}/manifest.json`);
  if (!secretKey) print('SECRET_KEY is not in the backup: keep it as well');
  return 0;
}

export async function restoreVerb({ config, args }: Call): Promise<number> {
  const { from } = parse(args, { from: text }).values;
  if (!from) throw new UsageError('restore needs --from');
  const { startedAt, media, sameKey } = await restore({ site: config, from, indexed }).catch(
    explaining(config),
  );
  const place = config.database.engine === 'sqlite' ? config.dataDir : placeOf(config.database);
  print(`restored ${place} as it was on ${startedAt}: ${media.files} files of media`);
  if (sameKey === undefined)
    print('the backup holds no secret key: set SECRET_KEY as it was, or everybody is signed out');
  if (sameKey === false) print('warning: SECRET_KEY is not the key of the backup: everybody is signed out');
  return 0;
}

export async function copyDatabaseVerb({ args }: Call): Promise<number> {
  const { from, to } = parse(args, { from: text, to: text }).values;
  if (!from || !to) throw new UsageError('copy-database needs --from and --to');
  const [source, target] = [databaseAt('--from', from), databaseAt('--to', to)];
  const served = readConfig(withDatabase(source.engine === 'postgres' ? from : to));
  await copyDatabase({ from: source, to: target, indexed, print }).catch(explaining(served));
  print(`${placeOf(target)} is a copy of ${placeOf(source)}: every table was compared`);
  return 0;
}

export async function copyStorageVerb({ config, args }: Call): Promise<number> {
  const {
    from,
    to,
    verify = false,
  } = parse(args, {
    ...{ from: text, to: text },
    verify: { type: 'boolean' },
  } as const).values;
  if (!from || !to) throw new UsageError('copy-storage needs --from and --to');
  const [source, target] = [storageAt(config, from), storageAt(config, to)];
  await using database = await openDatabase(config.database, rethrow).catch(explaining(config));
  const report = await copyStorage({ from: source, to: target, read: database.read, verify, print });
  print(`copied: ${inWords(report.copied)}; ${report.passedOver} were there already`);
  print(`unfinished uploads: ${inWords(report.drafts)}`);
  if (verify) print('every file was read in both stores and is the same');
  for (const key of report.missing) print(`warning: the bytes of the unfinished upload ${key} are not there`);
  return 0;
}

const inWords = ({ files, bytes }: Size): string => `${files} files, ${bytes} bytes`;

/** An address as DATABASE_URL has it. */
function databaseAt(option: string, address: string): DatabaseSettings {
  try {
    return readConfig(withDatabase(address)).database;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(error.message.replace(/^DATABASE_URL/, option), { cause: error });
  }
}

function withDatabase(address: string): ReturnType<typeof readEnvironment> {
  const parts = { DB_HOST: '', DB_PORT: '', DB_NAME: '', DB_USER: '', DB_PASSWORD: '' };
  return { ...readEnvironment(), ...parts, DATABASE_URL: address };
}

/** A data folder, or `s3://bucket` of the store that the settings name. */
function storageAt({ storage, dataDir }: Config, place: string): StorageSettings {
  const bucket = /^s3:\/\/([^/]+)\/?$/.exec(place)?.[1];
  if (bucket !== undefined) {
    if (storage.kind === 's3') return { ...storage, bucket, folder: dataDir };
    throw new ConfigError(`S3_ENDPOINT: is missing; ${place} is in the store that S3_ENDPOINT names`);
  }
  if (/^[a-z][a-z0-9+]+:/i.test(place)) throw new UsageError('a storage is a data folder, or s3://BUCKET');
  return { kind: 'local', folder: resolve(place) };
}

function explaining(config: Config): (error: unknown) => never {
  return (error) => {
    throw explainStart(error, config);
  };
}

function rethrow(error: unknown): never {
  throw error;
}
