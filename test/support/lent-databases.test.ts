// A database of PostgreSQL is lent to one test after the other: each finds it as it was made.
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Database } from '../../src/platform/database/database.ts';
import { insertPerson, insertPost, openTestDatabase } from './databases.ts';
import { databaseOf } from './engines.ts';

/** Answers its name. */
async function borrow(work: (database: Database) => Promise<unknown>): Promise<string> {
  await using opened = await openTestDatabase();
  await work(opened.database);
  return databaseOf(opened.folder);
}

const change = (statement: string) => (database: Database) =>
  database.transaction((tx) => sql.raw(statement).execute(tx));

test('one that was given back has no row and gives the same ids again', async () => {
  const write = async (database: Database): Promise<void> => {
    const { profileId } = await insertPerson(database, 'ann');
    expect([profileId, await insertPost(database, profileId)]).toEqual([1, 1]);
  };
  expect(await borrow(write)).toBe(await borrow(write));
});

test.each([
  ['whose tables were changed', change('alter table posts add column mood text')],
  ['whose index was made anew', change('drop index posts_changed; create index posts_changed on posts (id)')],
  ['of another version', change('insert into schema_migrations values (999, 0)')],
  [
    'that has grown',
    async (database: Database) => {
      await insertPerson(database, 'ann');
      const text = `select string_agg(md5(n::text), '') from generate_series(1, 300) n`;
      await change(
        `insert into posts (author_id, text, created_at) select 1, (${text}), 0 from generate_series(1, 2000)`,
      )(database);
    },
  ],
])('one %s is not lent again', async (_, work) => {
  const name = await borrow(work);
  expect(await borrow(async () => undefined)).not.toBe(name);
});
