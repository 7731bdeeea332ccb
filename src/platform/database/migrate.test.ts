import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openTestDatabase } from '../../../test/support/databases.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations/all.ts';

const numbers = migrations.map(([number]) => number);

test('migrations are numbered upwards without a gap', () => {
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test('an empty database gets all of them, and the second time nothing is left to do', async () => {
  await using opened = await openTestDatabase({ empty: true });
  expect(await migrate(opened.database, () => 7)).toEqual(numbers);
  expect(await migrate(opened.database, () => 8)).toEqual([]);
  const { rows } = await sql`select applied_at from schema_migrations`.execute(opened.database.read);
  expect(rows).toEqual(numbers.map(() => ({ appliedAt: 7 })));
});

test('of two migrations asked for at once one does the work', async () => {
  await using opened = await openTestDatabase({ empty: true });
  const applied = await Promise.all([1, 2].map(() => migrate(opened.database, Date.now)));
  expect(applied.toSorted((one, other) => one.length - other.length)).toEqual([[], numbers]);
});

test('of four processes that open and migrate a new database at once one does the work and none fails', async () => {
  await using opened = await openTestDatabase({ empty: true });
  const path = `${opened.folder}/new/other.db`;
  const program = `
    import { openDatabase } from ${JSON.stringify(new URL('open.ts', import.meta.url).href)};
    import { migrate } from ${JSON.stringify(new URL('migrate.ts', import.meta.url).href)};
    await using database = await openDatabase({ engine: 'sqlite', path: ${JSON.stringify(path)} }, console.error);
    console.log((await migrate(database, Date.now)).length);`;
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      return stderr || stdout.trim();
    }),
  );
  expect(outcomes.toSorted()).toEqual(['0', '0', '0', String(numbers.length)]);
});

test('a database of a newer program is refused in words, and left alone', async () => {
  await using opened = await openTestDatabase();
  const newer = Math.max(...numbers) + 1;
  await opened.database.transaction((tx) =>
    sql`insert into schema_migrations (number, applied_at) values (${newer}, 0)`.execute(tx),
  );
  await expect(migrate(opened.database, Date.now)).rejects.toThrow(
    `The database has schema ${newer}, this program knows ${newer - 1}: start a newer version of Veranda.`,
  );
});

test('a migration that fails leaves the schema as it was', async () => {
  await using opened = await openTestDatabase({ empty: true });
  // A table in the way of the first migration.
  await opened.database.transaction((tx) => sql`create table uploads (id integer)`.execute(tx));
  await expect(migrate(opened.database, Date.now)).rejects.toThrow('uploads');
  const tables = await opened.database.snapshot((read) => read.introspection.getTables());
  expect(tables.map(({ name }) => name)).toEqual(['uploads']);
});
