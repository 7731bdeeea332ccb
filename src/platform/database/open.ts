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
