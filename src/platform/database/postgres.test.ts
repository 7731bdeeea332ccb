// What PostgreSQL does otherwise than SQLite: connections that break, transactions that wait for each other, a server that
// goes away and comes back.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { startPooler } from '../../../test/support/pooler.ts';
import { settingsOf, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { afterCommit, type Database } from './database.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open.ts';
import { CommitInDoubt } from './postgres-driver.ts';

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
beforeEach(() => database.transaction((tx) => sql`truncate users cascade`.execute(tx)));

const names = async (): Promise<string[]> =>
  (await database.read.selectFrom('users').select('username').orderBy('id').execute()).map(
    ({ username }) => username,
  );

const rename = (db: Database, [from, to]: [string, string], options?: { idempotent?: boolean }) =>
  db.transaction(
    (tx) =>
      tx
        .updateTable('users')
        .set({ username: sql<string>`username || ${to}` })
        .where('usernameKey', '=', from)
        .execute(),
    options,
  );

test('a read cannot write', async () => {
  await expect(database.read.deleteFrom('users').execute()).rejects.toThrow('read-only');
});

test('transactions that name the same lock go one after the other', async () => {
  const order: string[] = [];
  const inside = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const first = database.transaction(async (tx) => {
    await database.dialect.lock(tx, 'thread:1');
    inside.resolve();
    await leave.promise;
    order.push('first');
  });
  await inside.promise;
  const second = database.transaction(async (tx) => {
    await database.dialect.lock(tx, 'thread:1');
    order.push('second');
  });
  await database.transaction((tx) => database.dialect.lock(tx, 'thread:2'));
  order.push('another');
  leave.resolve();
  await Promise.all([first, second]);
  expect(order).toEqual(['another', 'first', 'second']);
});

test('of two transactions that wait for each other both are done in the end, and their effects once', async () => {
  for (const name of ['ann', 'bob']) await insertPerson(database, name);
  const met = createMeeting(2);
  const effects: string[] = [];
  const change = (first: string, second: string) =>
    database.transaction(async (tx) => {
      const touch = (key: string) =>
        tx
          .updateTable('users')
          .set({ username: sql<string>`username || '!'` })
          .where('usernameKey', '=', key)
          .execute();
      await touch(first);
      await met();
      await touch(second);
      afterCommit(tx, () => effects.push(first));
    });
  await Promise.all([change('ann', 'bob'), change('bob', 'ann')]);
  expect(await names()).toEqual(['ann!!', 'bob!!']);
  expect(effects.toSorted()).toEqual(['ann', 'bob']);
});

test('a transaction whose connection is lost before its commit is done once, on another one', async () => {
  await insertPerson(database, 'ann');
  let runs = 0;
  await database.transaction(async (tx) => {
    runs += 1;
    await tx
      .updateTable('users')
      .set({ username: sql<string>`username || '!'` })
      .execute();
    if (runs > 1) return;
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx);
    await end(rows[0]?.pid ?? 0);
    await tx.selectFrom('users').select('id').execute();
  });
  expect(runs).toBe(2);
  expect(await names()).toEqual(['ann!']);
});

test('a commit whose answer is lost is in doubt: done again only where that changes nothing', async () => {
  await insertPerson(database, 'ann');
  await using proxy = await startCuttingProxy(cluster.url);
  await using beyond = await openDatabase(settingsOf(proxy.url), rethrow);
  proxy.cutAtCommit = 'after';
  await expect(rename(beyond, ['ann', '1'])).rejects.toBeInstanceOf(CommitInDoubt);
  expect(await names()).toEqual(['ann1']);
  proxy.cutAtCommit = 'before';
  await expect(rename(beyond, ['ann', '2'])).rejects.toBeInstanceOf(CommitInDoubt);
  expect(await names()).toEqual(['ann1']);
  for (const cut of ['after', 'before'] as const) {
    proxy.cutAtCommit = cut;
    await beyond.transaction(
      (tx) => tx.updateTable('users').set({ username: cut }).where('usernameKey', '=', 'ann').execute(),
      { idempotent: true },
    );
    expect(await names()).toEqual([cut]);
  }
});

test('a transaction in which a statement failed is never taken for committed', async () => {
  await insertPerson(database, 'ann');
  const swallowing = database.transaction(async (tx) => {
    await tx.updateTable('users').set({ username: 'eve' }).execute();
    await sql`select 1 / 0`.execute(tx).catch(() => undefined);
  });
  await expect(swallowing).rejects.toThrow('a statement had failed');
  expect(await names()).toEqual(['ann']);
});

test('a look at one moment sees nothing of what comes during it', async () => {
  await insertPerson(database, 'ann');
  const counts = await database.snapshot(async (read) => {
    const count = async () => (await read.selectFrom('users').select('id').execute()).length;
    const before = await count();
    await insertPerson(database, 'bob');
    return [before, await count()];
  });
  expect(counts).toEqual([1, 1]);
  expect(await names()).toEqual(['ann', 'bob']);
});

test('a name that is taken is known by its column', async () => {
  await insertPerson(database, 'ann');
  const again = await insertPerson(database, 'ann').catch((error: unknown) => error);
  expect(database.dialect.isUniqueViolation(again, 'users.username_key')).toBe(true);
  expect(database.dialect.isUniqueViolation(again, 'users.email_key')).toBe(false);
  expect(database.dialect.isUniqueViolation(again)).toBe(true);
});

test('a text with the one character that the server cannot hold is refused in words', async () => {
  await expect(insertPerson(database, 'a\0b')).rejects.toMatchObject({ kind: 'invalid' });
});

test.each(['fast', 'immediate'] as const)(
  'reads and writes that meet a server that stops (%s) wait until it is back, and nothing acknowledged is lost',
  async (mode) => {
    await insertPerson(database, 'before');
    const acknowledged: string[] = [];
    let isOver = false;
    const writers = [1, 2, 3].map(async (writer) => {
      for (let turn = 0; !isOver; turn += 1) {
        const name = `${mode}-${writer}-${turn}`;
        await insertPerson(database, name).then(() => acknowledged.push(name), expectDoubt);
        await database.read.selectFrom('users').select('id').limit(1).execute();
      }
    });
    while (acknowledged.length < 20) await database.read.selectFrom('users').select('id').execute();
    await cluster.stop(mode);
    const stoppedAt = acknowledged.length;
    await cluster.start();
    while (acknowledged.length < stoppedAt + 20)
      await database.read.selectFrom('users').select('id').limit(1).execute();
    isOver = true;
    await Promise.all(writers);
    const stored = await names();
    expect(stored).toEqual(expect.arrayContaining(acknowledged));
    expect(new Set(stored).size).toBe(stored.length);
  },
);

test('a server that nobody can reach is said to be away', async () => {
  const port = 1;
  await expect(
    openDatabase(settingsOf(`postgres://tester@127.0.0.1:${port}/postgres`), rethrow),
  ).rejects.toMatchObject({ kind: 'unavailable', code: 'database_unavailable' });
});

test.each([true, false])('plans are kept under names, unless that is switched off: %s', async (isOn) => {
  const settings = { ...settingsOf(cluster.url), poolSize: 2, preparedStatements: isOn };
  await using own = await openDatabase(settings, rethrow);
  const find = own.prepare((db, { id }: { id: number }) =>
    db.selectFrom('users').select('id').where('id', '=', id),
  );
  await find({ id: 1 });
  await own.read.selectFrom('users').select('username').where('id', '=', 1).execute();
  const { rows } = await sql`select name from pg_prepared_statements`.execute(own.read);
  expect(rows).toHaveLength(isOn ? 2 : 0);
});

test('a search is planned for its words at each run', async () => {
  await using own = await openDatabase({ ...settingsOf(cluster.url), poolSize: 1 }, rethrow);
  for (const prefix of ['a', 'common']) {
    const found = own.dialect.search.matches([prefix, 'other'], 10);
    await sql`select id from ${found} as found where id > ${0}`.execute(own.read);
  }
  const { rows } =
    await sql`select name from pg_prepared_statements where statement like '%tsquery%'`.execute(own.read);
  expect(rows).toEqual([]);
});

test('behind a pooler it wants its time limits from the user, and waits for a server that the pooler has lost', async () => {
  await using pooler = await startPooler(cluster.url);
  const settings = { ...settingsOf(pooler.url), preparedStatements: false };
  await expect(openDatabase(settings, rethrow)).rejects.toThrow(
    'a pooler keeps idle_in_transaction_session_timeout, lock_timeout, statement_timeout from it',
  );
  for (const limit of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'])
    await database.transaction((tx) => sql.raw(`alter role tester set ${limit} = '10s'`).execute(tx));
  await using beyond = await openDatabase(settings, rethrow);
  await insertPerson(beyond, 'ann');
  pooler.isAway = true;
  const found = beyond.read.selectFrom('users').select('username').execute();
  const renamed = rename(beyond, ['ann', '!']);
  await expect.poll(() => pooler.turnedAway).toBeGreaterThan(1);
  pooler.isAway = false;
  await Promise.all([found, renamed]);
  expect(await names()).toEqual(['ann!']);
});

function expectDoubt(error: unknown): void {
  expect(error).toBeInstanceOf(CommitInDoubt);
}

/** Ends a connection from another one. */
async function end(pid: number): Promise<void> {
  await database.transaction((tx) => sql`select pg_terminate_backend(${pid})`.execute(tx));
}

/** Resolves for the first `size` callers together, and for all later ones at once. */
function createMeeting(size: number): () => Promise<void> {
  const together = Promise.withResolvers<void>();
  let here = 0;
  return async () => {
    here += 1;
    if (here >= size) together.resolve();
    await together.promise;
  };
}

/** Passes bytes on, and cuts the connection once: as a commit is asked for, or as the server answers it. */
async function startCuttingProxy(target: string) {
  const { port, hostname } = new URL(target);
  const proxy = { cutAtCommit: undefined as 'before' | 'after' | undefined, url: '' };
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    sockets.add(client).add(upstream);
    let isCommitting = false;
    const cut = (): void => {
      proxy.cutAtCommit = undefined;
      client.destroy();
      upstream.destroy();
    };
    client.on('data', (bytes) => {
      isCommitting = bytes.includes('commit\0') && proxy.cutAtCommit !== undefined;
      if (isCommitting && proxy.cutAtCommit === 'before') cut();
      else upstream.write(bytes);
    });
    upstream.on('data', (bytes) => {
      if (isCommitting) cut();
      else client.write(bytes);
    });
    for (const socket of [client, upstream])
      socket
        .on('error', () => undefined)
        .on('close', () => [client, upstream].forEach((one) => one.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(target);
  url.port = String(typeof address === 'object' && address ? address.port : 0);
  return Object.assign(proxy, {
    url: url.href,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  });
}

function rethrow(error: unknown): never {
  throw error;
}
