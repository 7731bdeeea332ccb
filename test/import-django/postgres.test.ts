// An original site that ran on PostgreSQL: its rows become the same site as those of SQLite.
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { expect, test } from 'vitest';
import { moveIn, originalSite, readContents, summarise } from '../support/original-site.ts';
import { startPostgres } from '../support/postgres.ts';
import { startServer } from '../support/servers.ts';

test('a site on PostgreSQL moves in like one on SQLite', async () => {
  await using postgres = await startPostgres();
  await fill(postgres.url);
  await using expected = await startServer();
  await using server = await startServer();
  const [theirs, ours] = await Promise.all([
    moveIn(expected.app),
    moveIn(server.app, { ...originalSite, database: postgres.url }),
  ]);
  expect(ours.source).toMatch(/^PostgreSQL \d+\.\d+ \(database postgres on 127\.0\.0\.1\)$/);
  expect(summarise(ours)).toEqual(summarise(theirs));
  expect(ours.refusals.lines).toEqual(theirs.refusals.lines);
  expect(withoutFiles(await readContents(server.dataDir))).toEqual(
    withoutFiles(await readContents(expected.dataDir)),
  );
  // What was deleted there had the highest id: sequences are read too.
  const again = await moveIn(server.app, { ...originalSite, database: postgres.url });
  expect(again.tables.filter(({ taken }) => taken > 0)).toEqual([]);
}, 60_000);

/** Media rows change once the worker has encoded them. */
const withoutFiles = (contents: Awaited<ReturnType<typeof readContents>>) => ({
  ...contents,
  media: contents.media.length,
});

const types: Record<string, string> = { bool: 'boolean', datetime: 'timestamptz', integer: 'bigint' };

/** Makes the tables as Django would and copies every row. */
async function fill(url: string): Promise<void> {
  const source = new Sqlite(originalSite.database, { readonly: true });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  // The session's zone must not matter to what is read.
  await client.query(`alter database postgres set timezone = 'Asia/Tokyo'`);
  await client.query(`set timezone = 'UTC'`);
  const tables = source
    .prepare<[], { name: string }>(
      `select name from sqlite_schema where type = 'table' and (name like 'Posts%' or name like 'Users%' or name in ('auth_user', 'django_migrations'))`,
    )
    .all();
  for (const { name } of tables) {
    const columns = source.prepare<[], { name: string; type: string }>(`pragma table_info("${name}")`).all();
    const definitions = columns.map((column) =>
      column.name === 'id'
        ? 'id bigserial primary key'
        : `"${column.name}" ${types[column.type] ?? column.type}`,
    );
    await client.query(`create table "${name}" (${definitions.join(', ')})`);
    for (const row of source.prepare<[], Record<string, unknown>>(`select * from "${name}"`).all()) {
      const values = Object.entries(row).map(([column, value]) =>
        column.startsWith('is_') ? Boolean(value) : value,
      );
      await client.query(
        `insert into "${name}" values (${values.map((_, index) => `$${index + 1}`).join(', ')})`,
        values,
      );
    }
    const { seq } = source
      .prepare<[string], { seq: number }>('select seq from sqlite_sequence where name = ?')
      .get(name) ?? { seq: 1 };
    await client.query(`select setval(pg_get_serial_sequence('"${name}"', 'id'), $1)`, [seq]);
  }
  await client.end();
  source.close();
}
