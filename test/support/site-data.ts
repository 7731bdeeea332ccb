// A look into a running site's data folder, past the server: its rows and its files.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';

/** Runs one statement on the site's database: the rows of a question, none of a change. */
export function ask<Row>(dataDir: string, sql: string, ...values: unknown[]): Row[] {
  const database = new Sqlite(join(dataDir, 'veranda.db'), { timeout: 5_000 });
  try {
    const statement = database.prepare<unknown[], Row>(sql);
    if (statement.reader) return statement.all(...values);
    statement.run(...values);
    return [];
  } finally {
    database.close();
  }
}

/** Stored files below `media/`, as paths from there, sorted. */
export async function listBlobs(dataDir: string): Promise<string[]> {
  const root = join(dataDir, 'media');
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}
