// Set-up of a run on PostgreSQL: one private cluster for all of its tests, whichever projects they are of.
import { readConfig } from '../../src/config.ts';
import { migrate } from '../../src/platform/database/migrate.ts';
import { openDatabase } from '../../src/platform/database/open.ts';
import { MIGRATED } from './engines.ts';
import { startPostgres } from './postgres.ts';
import pg from 'pg';

export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['TEST_POSTGRES_URL'] !== undefined) return undefined;
  const cluster = await startPostgres();
  process.env['TEST_POSTGRES_URL'] = cluster.url;
  await makeTemplate(cluster.url);
  return async () => cluster[Symbol.asyncDispose]();
}

/** To copy is quicker than to bring each test's schema up again. */
async function makeTemplate(cluster: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster });
  await client.connect();
  await client.query(`create database ${MIGRATED}`);
  await client.end();
  const url = new URL(cluster);
  url.pathname = `/${MIGRATED}`;
  const { database: settings } = readConfig({ DATABASE_URL: url.href });
  const onError = (error: unknown): never => {
    throw error;
  };
  await using database = await openDatabase(settings, onError);
  await migrate(database, Date.now);
}
