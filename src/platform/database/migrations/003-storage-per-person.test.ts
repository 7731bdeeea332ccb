import type { Kysely } from 'kysely';
import { expect, test } from 'vitest';
import { insertPerson, openTestDatabase } from '../../../../test/support/databases.ts';
import { up } from './003-storage-per-person.ts';

test('the bytes of uploads that are under way count from now on, and those of finished ones stay', async () => {
  await using opened = await openTestDatabase();
  const { database } = opened;
  const { profileId: ownerId } = await insertPerson(database, 'ann');
  const sizes = await database.transaction(async (tx) => {
    const media = await tx
      .insertInto('media')
      .values([0, 700, 50].map((size) => ({ ownerId, kind: 'video' as const, size, createdAt: 0, ...none })))
      .returning('id')
      .execute();
    const [under, finished] = media.map(({ id }) => id);
    const upload = { ownerId, createdAt: 0, updatedAt: 0, ...nobody };
    await tx
      .insertInto('uploads')
      .values([
        { ...upload, mediaId: under ?? 0, label: 'a', draftKey: 'a', offset: 300, finishedAt: null },
        { ...upload, mediaId: finished ?? 0, label: 'b', draftKey: 'b', offset: 900, finishedAt: 1 },
      ])
      .execute();
    await up(tx as unknown as Kysely<unknown>);
    return (await tx.selectFrom('media').select('size').orderBy('id').execute()).map(({ size }) => size);
  });
  expect(sizes).toEqual([300, 700, 50]);
});

const nobody = { lastChunkHash: null, lastConnection: null, leaseHolder: null };
const none = {
  ...{ postId: null, fileKey: null, hlsPrefix: null, draftPrefix: null, posterKey: null, width: null },
  ...{ height: null, durationMs: null, readyAt: null, failedAt: null, failure: null },
};
