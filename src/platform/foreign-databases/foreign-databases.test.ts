// One suite for every kind of database that can be read.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import type { ForeignDatabase, ForeignRow } from './foreign-database.ts';
import { openForeignDatabase } from './open.ts';

const notes = { table: 'Old_note', columns: ['id', 'text', 'likes', 'is_open'] };
const rows = [-3, 1, 2, 3, 5, 8].map((id) => `(${id}, 'note ${id}', ${id * 2}, true)`).join(', ');

const engines = {
  sqlite: {
    create: `create table "Old_note" (id integer primary key autoincrement, text text, likes integer, is_open bool)`,
    /** A row of the highest id is gone. */
    after: `insert into "Old_note" values (40, 'gone', 0, true); delete from "Old_note" where id = 40`,
    truth: 1,
  },
  postgres: {
    create: `create table "Old_note" (id bigserial primary key, text text, likes bigint, is_open boolean)`,
    after: `select setval(pg_get_serial_sequence('"Old_note"', 'id'), 40)`,
    truth: true,
  },
};

let folder: string;
let postgres: TestPostgres;
const run: Record<string, (sql: string) => Promise<unknown>> = {};
const addresses: Record<string, string> = {};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-foreign-'));
  postgres = await startPostgres();
  addresses['sqlite'] = join(folder, 'old.sqlite3');
  addresses['postgres'] = postgres.url;
  run['sqlite'] = async (sql) => {
    const database = new Sqlite(addresses['sqlite']);
    database.pragma('journal_mode = wal');
    database.exec(sql);
    database.close();
  };
  run['postgres'] = async (sql) => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(sql);
    await client.end();
  };
});

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

describe.each(['sqlite', 'postgres'] as const)('a foreign database on %s', (engine) => {
  let database: ForeignDatabase;
  const { create, after, truth } = engines[engine];
  const execute = async (sql: string) => run[engine]?.(sql);
  const readAll = async (size: number): Promise<ForeignRow[][]> => {
    const batches: ForeignRow[][] = [];
    for await (const batch of database.readBatches(notes, size)) batches.push(batch);
    return batches;
  };

  beforeAll(async () => {
    await execute(`${create}; insert into "Old_note" values ${rows}; ${after}`);
    database = await openForeignDatabase(addresses[engine] ?? '');
  });
  afterAll(() => database[Symbol.asyncDispose]());

  test('names itself and its tables', async () => {
    expect(database.description).toMatch(/^(SQLite|PostgreSQL) \d+\.\d+.* \(.+\)$/);
    expect(await database.listTables()).toContain('Old_note');
  });

  test.each([
    [1, [[1], [2], [3], [5], [8]]],
    [2, [[1, 2], [3, 5], [8]]],
    [5, [[1, 2, 3, 5, 8]]],
    [500, [[1, 2, 3, 5, 8]]],
  ])('is read in batches of %i by ascending id', async (size, expected) => {
    const batches = await readAll(size);
    expect(batches.map((batch) => batch.map((row) => row['id']))).toEqual(expected);
    expect(batches[0]?.[0]).toEqual({ id: 1, text: 'note 1', likes: 2, is_open: truth });
  });

  test('counts all rows and knows the highest id that it ever gave', async () => {
    expect(await database.count('Old_note')).toBe(6);
    expect(await database.findHighestId('Old_note')).toBe(40);
  });

  test('finds the rows of some values', async () => {
    const found = await database.find(notes, { column: 'likes', values: [16, 4, 999] });
    expect(found.map((row) => row['id'])).toEqual([2, 8]);
    expect(await database.find(notes, { column: 'likes', values: [] })).toEqual([]);
  });

  test('takes no names but those of programs', async () => {
    const name = 'x" where 1 = 1; --';
    await expect((async () => database.count(name))()).rejects.toThrow('is no name');
    await expect((async () => database.find(notes, { column: name, values: [1] }))()).rejects.toThrow(
      'is no name',
    );
  });

  test('stays as it was when it was opened', async () => {
    await execute(`insert into "Old_note" values (100, 'later', 0, true)`);
    expect(await database.count('Old_note')).toBe(6);
    expect((await readAll(500))[0]).toHaveLength(5);
  });
});

test('an SQLite file is opened by its path or by an address', async () => {
  for (const address of [
    `sqlite:${addresses['sqlite']}`,
    `sqlite://${addresses['sqlite']}`,
    `file:${addresses['sqlite']}`,
  ]) {
    await using database = await openForeignDatabase(address);
    expect(await database.count('Old_note')).toBe(7);
  }
});

test('a database that cannot be opened is told of without its password', async () => {
  const address = postgres.url.replace('tester', 'nobody:hush-hush');
  await expect(openForeignDatabase(address)).rejects.toMatchObject({
    code: 'foreign_database_unreadable',
    message: expect.not.stringContaining('hush'),
  });
});
