// A stopped site's database, moved to another engine or another place. The source is only read, and stays as it was.
import type { Database } from '../database/database.ts';
import { isInUse, isThere, openDatabase } from '../database/open.ts';
import { type DatabaseSettings, placeOf, withPatience } from '../database/settings.ts';
import { conflict } from '../errors.ts';
import { fill, type Indexed } from './fill.ts';

/**
 * Copies all rows of `from` into `to`, which is empty or holds an unfinished copy of the same source: that goes on. No program starts
 * on the target before the copy was compared with the source. Throws `conflict` (`same_database`, `no_site`, `site_running`, and
 * what `fill` throws).
 */
export async function copyDatabase(options: {
  from: DatabaseSettings;
  to: DatabaseSettings;
  indexed: Indexed;
  print: (line: string) => void;
}): Promise<void> {
  const { from, to, indexed, print } = options;
  if (placeOf(from) === placeOf(to))
    throw conflict('same_database', 'Source and target are the same database.');
  if (!(await isThere(from))) throw conflict('no_site', `There is no database at ${placeOf(from)}.`);
  for (const settings of [from, to])
    if (await isInUse(settings))
      throw conflict(
        'site_running',
        `${placeOf(settings)} is in use. Stop every process of the site first: what is written during the copy would be lost.`,
      );
  await using opened = new AsyncDisposableStack();
  const source = opened.use(await openDatabase(withPatience(from), rethrow));
  await needSite(source, from);
  const target = opened.use(await openDatabase(withPatience(to), rethrow));
  await fill({ source, name: placeOf(from), target, indexed, print }, 'source');
}

async function needSite({ read, dialect }: Database, settings: DatabaseSettings): Promise<void> {
  if (!(await dialect.catalog.hasTable(read, 'schema_migrations')))
    throw conflict('no_site', `${placeOf(settings)} is not the database of a site.`);
  if (await dialect.catalog.hasTable(read, 'copy_progress'))
    throw conflict('copy_unfinished', `${placeOf(settings)} is itself a copy that is not finished.`);
}

function rethrow(error: unknown): never {
  throw error;
}
