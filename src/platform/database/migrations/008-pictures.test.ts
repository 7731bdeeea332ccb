import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { insertPerson, insertPost, openTestDatabase } from '../../../../test/support/databases.ts';
import { up } from './008-pictures.ts';

test('pictures of posts, avatars and covers that are there get their rows, videos none', async () => {
  await using opened = await openTestDatabase();
  const { database } = opened;
  const { profileId: ownerId } = await insertPerson(database, 'ann');
  await insertPerson(database, 'bob');
  const postId = await insertPost(database, ownerId);
  const rows = await database.transaction(async (tx) => {
    await tx
      .updateTable('profiles')
      .set({ pictureKey: 'profile_pictures/a.jpg', coverKey: 'profile_pictures/b.jpg' })
      .where('id', '=', ownerId)
      .execute();
    const media = { ownerId, postId, createdAt: 7, width: 4, height: 3, ...none };
    await tx
      .insertInto('media')
      .values([
        { ...media, kind: 'picture', fileKey: 'pictures/a.jpg' },
        { ...media, kind: 'video', fileKey: 'videos/a.mp4' },
      ])
      .execute();
    await sql`drop table pictures`.execute(tx);
    await up(tx as unknown as Kysely<unknown>, database.dialect.schema);
    return tx.selectFrom('pictures').selectAll().orderBy('key').execute();
  });
  const bare = { blurhash: null, renditions: '[]', renderedAt: null, failedAt: null, alt: '' };
  expect(rows).toMatchObject([
    { key: 'pictures/a.jpg', role: 'post', shownOn: postId, width: 4, height: 3, createdAt: 7, ...bare },
    { key: 'profile_pictures/a.jpg', role: 'avatar', shownOn: ownerId, width: null, ...bare },
    { key: 'profile_pictures/b.jpg', role: 'cover', shownOn: ownerId, width: null, ...bare },
  ]);
});

const none = {
  ...{ hlsPrefix: null, draftPrefix: null, posterKey: null, durationMs: null },
  ...{ readyAt: null, failedAt: null, failure: null },
};
