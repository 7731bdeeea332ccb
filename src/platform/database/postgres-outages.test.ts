// What comes of reads and writes that the server cannot do now: what is waited for, what is said, and what /ready knows of it.
import dns from 'node:dns';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { settingsOf, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { findWaiting, holdTable } from '../../../test/support/table-locks.ts';
import { createChecks } from '../health/checks.ts';
import type { Storage } from '../storage/storage.ts';
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

describe('a read that has to be given up', () => {
  const busy = { kind: 'unavailable', code: 'database_busy', details: { retryAfter: 2 } };
  const sleep = sql<string>`pg_sleep(60)`;

  test.each<[string, (db: Database) => Promise<unknown>]>([
    ['built', (db) => db.read.selectNoFrom(sleep.as('slept')).execute()],
    ['prepared', (db) => db.prepare((read) => read.selectNoFrom(sleep.as('slept')))({})],
    ['at one moment', (db) => db.snapshot((read) => read.selectNoFrom(sleep.as('slept')).execute())],
  ])('by its time limit may be asked again: %s', async (_, read) => {
    await using own = await openDatabase({ ...settingsOf(cluster.url), statementTimeoutMs: 100 }, rethrow);
    await expect(read(own)).rejects.toMatchObject(busy);
  });

  test('since every connection is lost that it is run on may be asked again', async () => {
    let seconds = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => 1_000 * (seconds += 1));
    const deadly = sql<boolean>`pg_terminate_backend(pg_backend_pid())`;
    await expect(database.read.selectNoFrom(deadly.as('done')).execute()).rejects.toMatchObject(busy);
  });

  test('because a lock is not to be had may be asked again', async () => {
    await using _held = await holdTable(database, { table: 'users', mode: 'access exclusive' });
    const reading = database.snapshot((read) =>
      sql`lock table users in access share mode nowait`.execute(read),
    );
    await expect(reading).rejects.toMatchObject(busy);
  });

  test('since the query is wrong stays a fault', async () => {
    await expect(sql`select 1 / 0`.execute(database.read)).rejects.toThrow(pg.DatabaseError);
  });
});

test('a server that takes no writes is not ready, and a process at full work is not held up for it', async () => {
  const readiness = async (db: Database) =>
    createChecks({ ...nowhere, database: db })
      .find(({ name }) => name === 'database')
      ?.look();
  const setTo = (command: string) =>
    database.transaction(async (tx) => {
      await sql`set transaction read write`.execute(tx);
      await sql.raw(`alter database postgres ${command}`).execute(tx);
    });
  expect(await readiness(database)).toEqual({ status: 'ready' });
  await setTo('set default_transaction_read_only = on');
  try {
    await using own = await openDatabase({ ...settingsOf(cluster.url), poolSize: 2 }, rethrow);
    await expect(readiness(own)).rejects.toThrow('it is read only');
    await own.transaction(async () => expect(await readiness(own)).toEqual({ status: 'ready' }));
  } finally {
    await setTo('reset default_transaction_read_only');
  }
});

test('a write on a server that turns read-only is refused until it takes writes again, and leaves nothing', async () => {
  const names = () => database.read.selectFrom('users').select('username').orderBy('username').execute();
  const before = await names();
  const refused = { kind: 'unavailable', code: 'database_read_only', details: { retryAfter: 5 } };
  await using operator = await connectOperator();
  await operator.setReadOnly('on');
  await expect.poll(() => database.check()).toMatchObject({ isReadonly: true });
  await expect(insertPerson(database, 'late')).rejects.toMatchObject(refused);
  const twice = database.transaction((tx) => sql`delete from users`.execute(tx), { idempotent: true });
  await expect(twice).rejects.toMatchObject(refused);
  expect(await names()).toEqual(before);
  await operator.setReadOnly('off');
  await expect.poll(() => database.check()).toMatchObject({ isReadonly: false });
  await insertPerson(database, 'late');
  expect(await names()).toEqual([...before, { username: 'late' }]);
});

test('a connection to a server that refused a write is not used again', async () => {
  const backend = sql<{ pid: number }>`select pg_backend_pid() as pid`;
  await using own = await openDatabase({ ...settingsOf(cluster.url), poolSize: 2 }, rethrow);
  const askWho = async () => (await own.transaction((tx) => backend.execute(tx))).rows[0]?.pid;
  const first = await askWho();
  expect(await askWho()).toBe(first);
  const writing = own.transaction(async (tx) => {
    await sql`set transaction read only`.execute(tx);
    await sql`delete from users`.execute(tx);
  });
  await expect(writing).rejects.toMatchObject({ code: 'database_read_only' });
  expect(await askWho()).not.toBe(first);
});

/** Sets for all sessions, those that are open too, what this one is free of. */
async function connectOperator() {
  const client = new pg.Client({
    connectionString: cluster.url,
    options: '-c default_transaction_read_only=off',
  });
  await client.connect();
  const setReadOnly = async (value: 'on' | 'off'): Promise<void> => {
    await client.query(`alter system set default_transaction_read_only = ${value}`);
    await client.query('select pg_reload_conf()');
  };
  return {
    setReadOnly,
    async [Symbol.asyncDispose]() {
      await setReadOnly('off');
      await client.end();
    },
  };
}

/** Parts of a process that are not looked at. */
const nowhere = {
  storage: {} as Storage,
  redis: undefined,
  disk: { folder: '/', minFreeBytes: 0 },
  video: undefined,
};

function rethrow(error: unknown): never {
  throw error;
}
