// What a backup says of itself. It is written last, so a folder without one is no backup.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { invalid } from '../errors.ts';

const size = z.object({ files: z.int().nonnegative(), bytes: z.int().nonnegative() });

const manifestSchema = z.object({
  format: z.literal(1),
  /** Of the program that wrote it. */
  version: z.string(),
  /** Number of the newest migration in the copied database. */
  schema: z.int(),
  /** ISO 8601: whatever was acknowledged before is in it. */
  startedAt: z.string(),
  finishedAt: z.string(),
  database: z.object({ bytes: z.int(), sha256: z.string() }),
  media: size,
  uploads: size,
  /** Without it, SECRET_KEY must be set as it was, or everybody is signed out. */
  secretKey: z.boolean(),
  /** Unfinished uploads whose bytes were not on the disk of the running site. */
  missing: z.array(z.string()),
  /** Files that rows name and the running site did not have; unknown, and empty, where the schema was an older one. */
  missingFiles: z.array(z.string()).default([]),
});

export type Manifest = z.infer<typeof manifestSchema>;

/** The copied database inside a backup's folder. */
export const DATABASE_FILE = 'veranda.db';
export const SECRET_KEY_FILE = 'secret-key';
const MANIFEST_FILE = 'manifest.json';

export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await using file = await open(join(folder, MANIFEST_FILE), 'wx', 0o600);
  await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`);
  await file.sync();
}

/** Throws `invalid` (`no_backup`) when the folder holds no whole backup of a kind that this program knows. */
export async function readManifest(folder: string): Promise<Manifest> {
  const text = await readFile(join(folder, MANIFEST_FILE), 'utf8').catch(() => undefined);
  if (text === undefined)
    throw invalid('no_backup', `${folder} holds no complete backup: there is no ${MANIFEST_FILE}.`);
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (!parsed.success)
    throw invalid('no_backup', `${folder}/${MANIFEST_FILE} is not one that this version reads.`);
  return parsed.data;
}

/** Bytes and hex SHA-256. */
export async function measure(path: string): Promise<Manifest['database']> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
