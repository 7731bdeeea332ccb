// The end of an account: its name, its sessions, its profile with the pictures of it. What it said is gone by then.
import type { Database } from '../../platform/database/database.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import type { PictureRecords } from '../../platform/pictures/records.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';

export type RemoveProfile = (account: { userId: number; profileId: number }) => Promise<void>;

export function createRemoveProfile(options: {
  database: Database;
  jobs: Jobs;
  records: PictureRecords;
}): RemoveProfile {
  const { database, jobs, records } = options;
  return ({ userId, profileId }) =>
    database.transaction(async (tx) => {
      await database.dialect.lock(tx, `profile:${profileId}`);
      const shown = await tx
        .selectFrom('profiles')
        .select(['pictureKey', 'coverKey'])
        .where('id', '=', profileId)
        .executeTakeFirst();
      const keys = [shown?.pictureKey ?? null, shown?.coverKey ?? null];
      await removeAfterCommit(jobs, tx, { keys, prefixes: await records.forget(tx, keys) });
      // All else of it goes by foreign keys.
      await tx.deleteFrom('users').where('id', '=', userId).execute();
    });
}
