import { type Kysely, sql } from 'kysely';
import type { SchemaDialect } from '../dialect.ts';

export async function up(db: Kysely<unknown>, { integer }: SchemaDialect): Promise<void> {
  await sql.raw(`alter table posts add column changed_at ${integer}`).execute(db);
  await sql`create index posts_changed on posts (changed_at) where parent_id is null`.execute(db);
}
