import { type Kysely, sql } from 'kysely';
import { type ColumnRow, type ReferenceRow, shapesOf, type TableShape } from './catalog.ts';
import type { Tables } from './tables.ts';

export async function describeTables(db: Kysely<Tables>): Promise<TableShape[]> {
  const columns = await sql<ColumnRow>`
    select found.relname as "table", attname as "column", format_type(atttypid, null) as type,
      array_position(indkey::int2[], attnum) as place, attidentity <> '' as given
    from pg_class as found
    join pg_attribute on attrelid = found.oid and attnum > 0 and not attisdropped and attgenerated = ''
    left join pg_index on indrelid = found.oid and indisprimary
    where relkind = 'r' and relnamespace = current_schema()::regnamespace
      and found.relname not in ('post_terms', 'schema_migrations')`.execute(db);
  const references = await sql<ReferenceRow>`
    select found.relname as "table", target.relname as target
    from pg_constraint
    join pg_class as found on found.oid = conrelid
    join pg_class as target on target.oid = confrelid
    where contype = 'f' and found.relnamespace = current_schema()::regnamespace`.execute(db);
  return shapesOf(columns.rows, references.rows);
}

export async function hasTable(db: Kysely<Tables>, name: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`select to_regclass(${name}) is not null as found`.execute(
    db,
  );
  return rows[0]?.found === true;
}

export async function lastIdOf(db: Kysely<Tables>, table: string): Promise<number> {
  const { rows } = await sql<{ last: number }>`
    select case when is_called then last_value else 0 end as last
    from ${sql.table(`${table}_id_seq`)}`.execute(db);
  return rows[0]?.last ?? 0;
}
