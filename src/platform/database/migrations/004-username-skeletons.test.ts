import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { insertPerson, openTestDatabase } from '../../../../test/support/databases.ts';
import { up } from './004-username-skeletons.ts';

test('names that are there already are guarded against look-alikes from now on', async () => {
  await using opened = await openTestDatabase();
  const { database } = opened;
  for (const username of ['Niko', '\u0441\u043e\u0441\u043e']) await insertPerson(database, username);
  const skeletons = await database.transaction(async (tx) => {
    await sql`drop index users_of_skeleton`.execute(tx);
    await sql`alter table users drop column username_skeleton`.execute(tx);
    await up(tx as unknown as Kysely<unknown>);
    return tx.selectFrom('users').select('usernameSkeleton').orderBy('id').execute();
  });
  expect(skeletons).toEqual([{ usernameSkeleton: 'nlko' }, { usernameSkeleton: 'coco' }]);
});
