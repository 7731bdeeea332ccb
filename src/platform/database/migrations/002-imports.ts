import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

const statements = ({ id, integer, table, ordered }: SchemaDialect): string[] => [
  `create table import_sources (
    id ${id},
    fingerprint text not null unique,
    salt text not null,
    started_at ${integer} not null
  )${table}`,
  // No reference to what a row became: it stays when that is removed here, so that it is not taken a second time.
  `create table imports (
    source_id ${integer} not null references import_sources (id) on delete cascade,
    foreign_table text not null,
    foreign_id ${integer} not null,
    local_id ${integer} not null,
    primary key (source_id, foreign_table, foreign_id)
  )${ordered}`,
];

export async function up(db: Kysely<unknown>, schema: SchemaDialect): Promise<void> {
  for (const statement of statements(schema)) await sql.raw(statement).execute(db);
}
