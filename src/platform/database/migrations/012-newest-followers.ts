// The newest followers of a profile, without going through all of them.
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index follows_newest on follows (followed_id, created_at desc, follower_id desc)`.execute(
    db,
  );
}
