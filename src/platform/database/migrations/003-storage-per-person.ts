import { type Kysely, sql } from 'kysely';

const statements = [
  // What one person keeps is summed up with every piece of an upload, out of the index alone.
  `drop index media_of_owner`,
  `create index media_of_owner on media (owner_id, size)`,
  // The bytes of an upload count from the first piece on, and not only once it is finished.
  `update media set size = (select "offset" from uploads where media_id = media.id)
    where id in (select media_id from uploads where finished_at is null)`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
