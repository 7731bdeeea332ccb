import { type Kysely, sql } from 'kysely';
import { type ColumnRow, type ReferenceRow, shapesOf, type TableShape } from './catalog.ts';
import type { Tables } from './tables.ts';

export async function describeTables(db: Kysely<Tables>): Promise<TableShape[]> {
  // Generated columns are not in table_info.
  const columns = await sql<ColumnRow>`
    select found.name as "table", info.name as "column", info.type,
      case when info.pk > 0 then info.pk end as place,
      info.pk > 0 and found.sql like '%primary key autoincrement%' as given
    from sqlite_schema as found, pragma_table_info(found.name) as info
    where found.type = 'table' and found.sql not like 'create virtual table%'
      and found.name not glob 'sqlite_*' and found.name not glob 'post_terms*'`.execute(db);
  const references = await sql<ReferenceRow>`
    select found.name as "table", keys."table" as target
    from sqlite_schema as found, pragma_foreign_key_list(found.name) as keys
    where found.type = 'table'`.execute(db);
  return shapesOf(columns.rows, references.rows);
}

export async function hasTable(db: Kysely<Tables>, name: string): Promise<boolean> {
  const { rows } = await sql`select 1 from sqlite_schema where type = 'table' and name = ${name}`.execute(db);
  return rows.length > 0;
}

export async function lastIdOf(db: Kysely<Tables>, table: string): Promise<number> {
  const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = ${table}`.execute(
    db,
  );
  return Math.max(0, ...rows.map(({ seq }) => seq));
}
