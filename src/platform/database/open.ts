// Opens the database that the configuration names. The adapter is loaded only when it is used.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Database, DatabaseObserver } from './database.ts';
import type { DatabaseSettings } from './settings.ts';

export async function openDatabase(
  settings: DatabaseSettings,
  onError: (error: unknown) => void,
  observer: DatabaseObserver = {},
): Promise<Database> {
  if (settings.engine === 'postgres') {
    const { openPostgres } = await import('./postgres.ts');
    return openPostgres(settings, { onError, observer });
  }
  await mkdir(dirname(settings.path), { recursive: true });
  const { openSqlite } = await import('./sqlite.ts');
  return openSqlite({ path: settings.path, onError, observer });
}

/** Whether there is such a database; of PostgreSQL the server knows, and says it to who opens it. */
export async function isThere(settings: DatabaseSettings): Promise<boolean> {
  if (settings.engine === 'postgres') return true;
  return (await import('./sqlite-use.ts')).isThere(settings.path);
}

/** Whether a process of a site has the database open, as far as that can be told. */
export async function isInUse(settings: DatabaseSettings): Promise<boolean> {
  if (settings.engine === 'postgres') return (await import('./postgres-use.ts')).isInUse(settings);
  const { isInUse: isOpen, isThere: exists } = await import('./sqlite-use.ts');
  return (await exists(settings.path)) && isOpen(settings.path);
}
