import { type Kysely, sql } from 'kysely';
import unhomoglyph from 'unhomoglyph';

interface Users {
  users: { id: number; username: string; usernameSkeleton: string };
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table users add column username_skeleton text not null default ''`.execute(db);
  await sql`create index users_of_skeleton on users (username_skeleton)`.execute(db);
  const users = db as Kysely<Users>;
  for (const { id, username } of await users.selectFrom('users').select(['id', 'username']).execute()) {
    const usernameSkeleton = skeletonOf(username);
    await users.updateTable('users').set({ usernameSkeleton }).where('id', '=', id).execute();
  }
}

const skeletonOf = (username: string): string =>
  prototypes(prototypes(username).toLowerCase()).replaceAll('i', 'l').normalize('NFD');

const prototypes = (text: string): string => unhomoglyph(text.normalize('NFD'));
