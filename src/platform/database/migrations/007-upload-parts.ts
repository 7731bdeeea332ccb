// Uploads that say how long they will be, and pieces of them that arrived ahead of their turn.
import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

export async function up(db: Kysely<unknown>, { id, integer, table }: SchemaDialect): Promise<void> {
  for (const statement of [
    `alter table uploads add column length ${integer}`,
    `alter table uploads add column metadata text`,
    `alter table uploads add column lease_wanted ${integer} not null default 0`,
    `create table upload_parts (
      id ${id},
      upload_id ${integer} not null references uploads (id) on delete cascade,
      first_byte ${integer} not null,
      next_byte ${integer} not null,
      lease_holder text,
      lease_until ${integer} not null default 0,
      lease_wanted ${integer} not null default 0,
      check (first_byte < next_byte)
    )${table}`,
    `create unique index upload_parts_in_order on upload_parts (upload_id, first_byte)`,
  ])
    await sql.raw(statement).execute(db);
}
