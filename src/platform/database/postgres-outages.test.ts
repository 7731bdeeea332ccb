// What comes of reads and writes that the server cannot do now: what is waited for, and what is said.
import dns from 'node:dns';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { settingsOf, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { findWaiting, holdTable } from '../../../test/support/table-locks.ts';
import type { Database } from './database.ts';
import { migrate, newestSchema } from './migrate.ts';
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

test.each(['ENOTFOUND', 'EAI_AGAIN', 'ENETDOWN', 'EHOSTDOWN'])(
  'a server that cannot be found or reached for a moment is waited for: %s',
  async (code) => {
    const url = Object.assign(new URL(cluster.url), { hostname: 'localhost' }).href;
    const lookup = vi
      .spyOn(dns, 'lookup')
      .mockImplementationOnce(((...args: unknown[]) =>
        (args.at(-1) as (error: Error) => void)(
          Object.assign(new Error(code), { code }),
        )) as typeof dns.lookup);
    await using own = await openDatabase(settingsOf(url), rethrow);
    expect(await own.check()).toMatchObject({ schema: newestSchema() });
    expect(lookup.mock.calls.length).toBeGreaterThan(1);
  },
);

function rethrow(error: unknown): never {
  throw error;
}
