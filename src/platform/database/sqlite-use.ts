import { stat } from 'node:fs/promises';
import Sqlite from 'better-sqlite3';

export const isThere = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isFile() === true;

/** Whether another connection is open: no lock is given to one who wants the file for itself alone. */
export function isInUse(path: string): boolean {
  const probe = new Sqlite(path, { timeout: 500 });
  try {
    probe.pragma('locking_mode = exclusive');
    probe.exec('begin immediate; rollback');
    return false;
  } catch (error) {
    if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')) return true;
    throw error;
  } finally {
    probe.close();
  }
}
