// Set-up of a run on PostgreSQL: one private cluster for all of its tests.
import { startPostgres } from './postgres.ts';

export async function setup(): Promise<() => Promise<void>> {
  const cluster = await startPostgres();
  process.env['TEST_POSTGRES_URL'] = cluster.url;
  return async () => cluster[Symbol.asyncDispose]();
}
