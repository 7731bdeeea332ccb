// A look into a running site, past the server: its rows and its files.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

export { ask, onPostgres, placeOf, reserveUserIds } from './engines.ts';

/** Stored files below `media/`, as paths from there, sorted. */
export async function listBlobs(dataDir: string): Promise<string[]> {
  const root = join(dataDir, 'media');
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}
