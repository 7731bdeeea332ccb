import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/databases.ts';
import { afterCommit, type Transaction } from './database.ts';

const note = (tx: Transaction, kind: string): Promise<unknown> =>
  sql`insert into jobs (kind, payload, run_at, max_attempts, created_at) values (${kind}, '{}', 0, 1, 0)`.execute(
    tx,
  );

test('transactions that wait together are committed together, and each fails alone', async () => {
  await using opened = await openTestDatabase();
  const { database } = opened;
  const kinds = async () =>
    (await database.read.selectFrom('jobs').select('kind').orderBy('id').execute()).map((row) => row.kind);
  const first = Promise.withResolvers<void>();
  const told: string[] = [];
  const seen: string[][] = [];

  const opening = database.transaction(() => first.promise);
  const works = ['a', 'bad', 'b', 'c'].map((kind) =>
    database.transaction(async (tx) => {
      await note(tx, kind);
      afterCommit(tx, () => told.push(kind));
      if (kind === 'bad') throw new Error('bad');
      // What came before in the group is there to build on, and no reader sees it yet.
      if (kind === 'c') expect((await tx.selectFrom('jobs').select('kind').execute()).length).toBe(3);
      seen.push(await kinds());
      return kind;
    }),
  );
  first.resolve();
  await opening;

  const results = await Promise.allSettled(works);
  expect(results.map((result) => (result.status === 'fulfilled' ? result.value : 'failed'))).toEqual([
    'a',
    'failed',
    'b',
    'c',
  ]);
  expect(seen).toEqual([[], [], []]);
  expect(await kinds()).toEqual(['a', 'b', 'c']);
  expect(told).toEqual(['a', 'b', 'c']);
});

test('a failed commit fails everybody in the group', async () => {
  await using opened = await openTestDatabase();
  const { database } = opened;
  await database.transaction(async (tx) => {
    await sql`create table parents (id integer primary key)`.execute(tx);
    await sql`create table children (parent integer references parents (id) deferrable initially deferred)`.execute(
      tx,
    );
  });
  const first = Promise.withResolvers<void>();
  const opening = database.transaction(() => first.promise);
  const works = [
    database.transaction((tx) => note(tx, 'innocent')),
    // Deferred constraints are looked at by the commit alone.
    database.transaction((tx) => sql`insert into children (parent) values (1)`.execute(tx)),
  ];
  first.resolve();
  await opening;

  const results = await Promise.allSettled(works);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await database.read.selectFrom('jobs').select('kind').execute()).toEqual([]);
  await database.transaction((tx) => note(tx, 'later'));
});
