// The end of an account: its name, its sessions, its profile with the pictures of it. What it said is gone by then.
import type { Database } from '../../platform/database/database.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { PictureRecords } from '../../platform/pictures/records.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';

/** False, and nothing is done, when somebody follows there again. */
export type RemoveProfile = (account: { userId: number; profileId: number }) => Promise<boolean>;

export function createRemoveProfile(options: {
  database: Database;
  jobs: Jobs;
  records: PictureRecords;
}): RemoveProfile {
  const { database, jobs, records } = options;
  return ({ userId, profileId }) =>
    database.transaction(async (tx) => {
      await database.dialect.lock(tx, `profile:${profileId}`);
      const following = await tx
        .selectFrom('follows')
        .select('followedId')
        .where((where) =>
          where.or([where('followerId', '=', profileId), where('followedId', '=', profileId)]),
        )
        .limit(1)
        .execute();
      if (following.length > 0) return false;
      const shown = await tx
        .selectFrom('profiles')
        .select(['pictureKey', 'coverKey'])
        .where('id', '=', profileId)
        .executeTakeFirst();
      const keys = [shown?.pictureKey ?? null, shown?.coverKey ?? null];
      await removeAfterCommit(jobs, tx, { keys, prefixes: await records.forget(tx, keys) });
      // All else of it goes by foreign keys.
      await tx.deleteFrom('users').where('id', '=', userId).execute();
      return true;
    });
}
