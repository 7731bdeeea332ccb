// Migrations of a database that is large, in use, or that another node migrates.
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { settingsOf, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { findWaiting, holdTable, listWaiting, longestWait } from '../../../test/support/table-locks.ts';
import type { Database } from './database.ts';
import { bringUp, migrate } from './migrate.ts';
import { migrations } from './migrations/all.ts';
import { openDatabase } from './open.ts';

let cluster: TestPostgres;
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** The next one changes the table of jobs. */
const OLDER = 9;
const missing = migrations.map(([number]) => number).filter((number) => number > OLDER);

/** A database of its own, and the settings of a node whose requests have next to no time. */
async function prepareOlder(name: string) {
  const url = await createDatabase(name);
  const older = await openDatabase(settingsOf(url), rethrow);
  await migrate(older, Date.now, { upTo: OLDER });
  return { older, settings: { ...settingsOf(url), statementTimeoutMs: 300 } };
}

test('a node waits for another that does so, longer than a request waits for anything', async () => {
  const { older, settings } = await prepareOlder('two_nodes');
  await using _older = older;
  await using own = await openDatabase(settings, rethrow);
  const locked = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const first = older.transaction(async (tx) => {
    await older.dialect.lock(tx, 'migrations');
    locked.resolve();
    await leave.promise;
  });
  await locked.promise;
  const outcome = migrate(own, Date.now).catch((error: unknown) => error);
  await expect.poll(() => longestWait(older), { timeout: 10_000 }).toBeGreaterThan(1_000);
  leave.resolve();
  await first;
  expect(await outcome).toEqual(missing);
});

test('a statement has longer than those of requests, also where a pooler keeps the limits to itself', async () => {
  const { older, settings } = await prepareOlder('large_table');
  await using _older = older;
  await using own = await openDatabase(settings, rethrow);
  await slowDown(older, { seconds: 0.5 });
  expect(await migrate(own, Date.now)).toEqual(missing);
});

test('a statement has longer than a node waits for an answer', async () => {
  const { older, settings } = await prepareOlder('very_large_table');
  await using _older = older;
  await slowDown(older, { seconds: 5.5 });
  expect(await bringUp(settings, Date.now)).toEqual(missing);
});

test('a table that is in use is not waited for without end, and tried again', async () => {
  const { older, settings } = await prepareOlder('busy_table');
  await using _older = older;
  let upgrade: Promise<unknown>;
  {
    await using _held = await holdTable(older, { table: 'jobs', mode: 'access share' });
    upgrade = bringUp(settings, Date.now);
    await findWaiting(older, 'jobs');
    await expect.poll(() => listWaiting(older, 'jobs'), { timeout: 10_000 }).toEqual([]);
  }
  expect(await upgrade).toEqual(missing);
});

/** Answers its address. */
async function createDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: cluster.url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return Object.assign(new URL(cluster.url), { pathname: `/${name}` }).href;
}

/** To change the table of jobs takes so long. */
async function slowDown(db: Database, { seconds }: { seconds: number }): Promise<void> {
  await db.transaction(async (tx) => {
    await sql
      .raw(
        `create function be_slow() returns event_trigger language plpgsql as $$
        begin if current_query() like 'alter table jobs%' then perform pg_sleep(${seconds}); end if; end $$`,
      )
      .execute(tx);
    await sql`create event trigger slow on ddl_command_start execute function be_slow()`.execute(tx);
  });
}

function rethrow(error: unknown): never {
  throw error;
}
