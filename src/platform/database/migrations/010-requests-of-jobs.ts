// Which request a job goes back to, for the log.
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table jobs add column request_id text`.execute(db);
}
