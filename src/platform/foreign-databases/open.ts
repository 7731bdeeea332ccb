// Opens a database of another program by its address. The driver is loaded only when it is used.
import { invalid } from '../errors.ts';
import type { ForeignDatabase } from './foreign-database.ts';

/**
 * `address` is a path of an SQLite file (also as `sqlite:` or `file:`) or a `postgres:` URL.
 * Throws `invalid` (`foreign_database_unreadable`) with a sentence that says why it cannot be read.
 */
export async function openForeignDatabase(address: string): Promise<ForeignDatabase> {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+]+):(.*)$/is.exec(address) ?? [];
  switch (scheme.toLowerCase()) {
    case '':
    case 'sqlite':
    case 'file': {
      const { openForeignSqlite } = await import('./sqlite.ts');
      return openForeignSqlite(scheme === '' ? address : rest.replace(/^\/\//, ''));
    }
    case 'postgres':
    case 'postgresql': {
      const { openForeignPostgres } = await import('./postgres.ts');
      return openForeignPostgres(address);
    }
    default:
      throw invalid(
        'foreign_database_unreadable',
        'Give the path of an SQLite file or a postgres:// address; other databases cannot be read.',
      );
  }
}
