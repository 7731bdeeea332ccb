// Posts that were indexed before there were lists for short prefixes: they are found as before, however they come to the newest schema.
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { insertPerson, openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { onPostgres } from '../../../test/support/engines.ts';
import { fill } from '../../platform/copying/fill.ts';
import type { Database, Reader, Transaction } from '../../platform/database/database.ts';
import { migrate } from '../../platform/database/migrate.ts';
import { migrations } from '../../platform/database/migrations/all.ts';
import { openDatabase } from '../../platform/database/open.ts';
import { createLists } from './lists.ts';
import { termsOf } from './search-terms.ts';
import { searchedPosts } from './searched.ts';

const BEFORE = 10;

const TEXTS = [
  'Crème brûlée for İstanbul, a 100% sure_thing',
  'Das große Straßenfest',
  '東京tower and 新しいiPhone用ケース',
  'สวัสดีชาวโลก',
  'नमस्ते दुनिया',
  `zalgo${'\u0301\u0316'.repeat(40)} ${'long'.repeat(40)}`,
  '👋 …',
  '',
];
/** More than are read at once. */
const MANY = 1_100;
const QUERIES =
  'c cr cre creme 1 100% % sure st straßen 東 東京 tower ケース ชาว दुनिया zal longlong post post77 edited comment gone'.split(
    ' ',
  );

let opened: TestDatabase;
let database: Database;
let authorId: number;

beforeEach(async () => {
  opened = await openTestDatabase({ empty: true });
  ({ database } = opened);
  await migrate(database, Date.now, { upTo: BEFORE });
  authorId = (await insertPerson(database, 'ann')).profileId;
  const texts = [...TEXTS, ...Array.from({ length: MANY }, (_, n) => `post post${n}`)];
  await database.transaction(async (tx) => {
    const { search } = database.dialect;
    const ids: number[] = [];
    for (const text of texts) ids.push(await insert(tx, text));
    const [first = 0] = ids;
    await tx
      .insertInto('posts')
      .values({ authorId, parentId: first, rootId: first, text: 'comment', createdAt: 0, editedAt: null })
      .execute();
    const edited = await insert(tx, 'not yet');
    await tx.updateTable('posts').set({ text: 'edited' }).where('id', '=', edited).execute();
    await search.index(tx, edited, termsOf('edited'));
    const gone = await insert(tx, 'gone');
    await tx.deleteFrom('posts').where('id', '=', gone).execute();
    await search.remove(tx, [gone]);
  });
});
afterEach(() => opened[Symbol.asyncDispose]());

async function insert(tx: Transaction, text: string): Promise<number> {
  const { id } = await tx
    .insertInto('posts')
    .values({ authorId, parentId: null, rootId: null, text, createdAt: 0, editedAt: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  await database.dialect.search.index(tx, id, termsOf(text));
  return id;
}

const write = ({ transaction }: Database, text: string): Promise<number> =>
  transaction((tx) => insert(tx, text));

/** The ids that each query finds. */
async function search(within: Database): Promise<[query: string, ids: number[]][]> {
  const lists = createLists({ database: within, now: Date.now });
  const found: [string, number[]][] = [];
  for (const query of [...QUERIES, 'a po'])
    found.push([query, (await lists.search({ query, limit: 2_000 })).map(({ id }) => id)]);
  return found;
}

test('all are found as before, by words of any length, and so are posts that come after', async () => {
  const before = await search(database);
  const without = before.filter(([, ids]) => ids.length === 0).map(([query]) => query);
  expect(without).toEqual(['comment', 'gone']);
  expect((await migrate(database, Date.now))[0]).toBe(BEFORE + 1);
  expect(await search(database)).toEqual(before);
  const id = await write(database, 'Zebra');
  expect(new Map(await search(database)).get('zal')).not.toContain(id);
  const { search: searchFor } = createLists({ database, now: Date.now });
  for (const query of ['z', 'ze', 'zeb', 'zebra'])
    expect((await searchFor({ query, limit: 2_000 }))[0]).toMatchObject({ id });
});

test('a process of the version before finds and indexes posts on, all the while', async () => {
  await using older = await opened.reopen();
  const before = await search(older);
  await migrate(database, Date.now);
  expect(await search(older)).toEqual(before);
  const id = await write(older, 'Zebra');
  for (const both of [older, database])
    expect(
      await createLists({ database: both, now: Date.now }).search({ query: 'ze', limit: 2 }),
    ).toMatchObject([{ id }]);
});

test('of a migration that does not come to its end nothing is left', async () => {
  const before = await search(database);
  const [, migration] = migrations.find(([number]) => number === BEFORE + 1) ?? [];
  const cutOff = database.transaction(async (tx) => {
    await migration?.up(tx as never, database.dialect.schema);
    throw new Error('cut off');
  });
  await expect(cutOff).rejects.toThrow('cut off');
  expect(await search(database)).toEqual(before);
  expect(await migrate(database, Date.now)).toContain(BEFORE + 1);
});

test('a copy of the database of then is brought up like it', async () => {
  await using target = await openTestDatabase({ empty: true });
  const before = await search(database);
  const copy = { source: database, name: 'then', target: target.database, indexed: searchedPosts };
  await fill({ ...copy, print: () => undefined }, 'snapshot');
  await migrate(target.database, Date.now);
  expect(await search(target.database)).toEqual(before);
});

// PostgreSQL's backup is a copy.
test.each(onPostgres ? [] : ['backup'])('a %s of then is brought up like it', async () => {
  const before = await search(database);
  const path = join(opened.folder, 'backup.db');
  await database.backup?.(path);
  await using restored = await openDatabase({ engine: 'sqlite', path }, () => undefined);
  await migrate(restored, Date.now);
  expect(await search(restored)).toEqual(before);
});

test('the index has the same terms as before, and on SQLite lists for one to three letters', async () => {
  const before = await readTerms(database);
  await migrate(database, Date.now);
  expect(await readTerms(database)).toEqual(before);
  expect(before.length).toBeGreaterThan(MANY);
  expect(await findLists(database.read)).toEqual(onPostgres ? [] : [`prefix = '1 2 3'`]);
});

async function findLists(read: Reader): Promise<string[]> {
  if (onPostgres) return [];
  const { rows } = await sql<{ sql: string }>`
    select sql from sqlite_schema where name = 'post_terms'`.execute(read);
  return rows.flatMap((row) => /prefix = '[^']*'/.exec(row.sql) ?? []);
}

const readTerms = ({ transaction }: Database): Promise<unknown[]> =>
  transaction(async (tx) => {
    if (onPostgres) return (await sql`select id, terms::text from post_terms order by id`.execute(tx)).rows;
    await sql`create virtual table temp.terms using fts5vocab (main, post_terms, instance)`.execute(tx);
    const found = await select(tx);
    await sql`drop table temp.terms`.execute(tx);
    return found;
  });

async function select(read: Reader): Promise<unknown[]> {
  const { rows } = await sql`select doc, term, "offset" from temp.terms order by doc, "offset", term`.execute(
    read,
  );
  return rows;
}
