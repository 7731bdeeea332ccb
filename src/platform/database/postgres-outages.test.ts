// What comes of reads and writes that the server cannot do now: what is waited for.
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { settingsOf, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { findWaiting, holdTable } from '../../../test/support/table-locks.ts';
import type { Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open.ts';

let cluster: TestPostgres;
let database: Database;
beforeAll(async () => {
  cluster = await startPostgres();
  database = await openDatabase(settingsOf(cluster.url), rethrow);
  await migrate(database, Date.now);
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

test('a read whose connection is lost goes on with another one at once, also when there is no other place for one', async () => {
  await insertPerson(database, 'ann');
  await using own = await openDatabase({ ...settingsOf(cluster.url), poolSize: 2 }, rethrow);
  let reading: Promise<unknown>;
  {
    await using _held = await holdTable(database, { table: 'users', mode: 'access exclusive' });
    reading = own.read.selectFrom('users').select('username').execute();
    const pid = await findWaiting(database, 'users');
    await database.transaction((tx) => sql`select pg_terminate_backend(${pid})`.execute(tx));
  }
  expect(await reading).toEqual([{ username: 'ann' }]);
});

function rethrow(error: unknown): never {
  throw error;
}
