// Leases on an upload are counted, so that what a writer whose lease is lost sends late can be told from what counts.
import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

export async function up(db: Kysely<unknown>, { integer }: SchemaDialect): Promise<void> {
  await sql.raw(`alter table uploads add column lease_number ${integer} not null default 0`).execute(db);
}
