import { expect, test } from 'vitest';
import { insertPerson, openTestDatabase } from '../../../test/support/databases.ts';
import type { Database } from '../database/database.ts';
import { fill } from './fill.ts';

test('the tables come together with the mark that keeps programs from starting on them', async () => {
  await using source = await openTestDatabase();
  await using target = await openTestDatabase({ empty: true });
  await insertPerson(source.database, 'ann');
  const seen: boolean[][] = [];
  const watched: Database = {
    ...target.database,
    async transaction(work, options) {
      const result = await target.database.transaction(work, options);
      const { read, dialect } = target.database;
      seen.push([
        await dialect.catalog.hasTable(read, 'users'),
        await dialect.catalog.hasTable(read, 'copy_progress'),
      ]);
      return result;
    },
  };
  const indexed = { table: 'posts', termsOf: () => undefined };
  await fill(
    { source: source.database, name: 'a source', target: watched, indexed, print: () => undefined },
    'source',
  );
  expect(seen.slice(0, -1).every(([tables, mark]) => tables && mark)).toBe(true);
  expect(seen.at(-1)).toEqual([true, false]);
});
