// What nobody came back for: unfinished uploads after their lifetime, with their bytes. Finished and active ones are
// never touched.
import { z } from 'zod';
import type { Database } from '../../platform/database/database.ts';
import { defineJob, type JobHandler, type Jobs } from '../../platform/jobs/jobs.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';

export const sweepUploadsJob = defineJob('sweep-uploads', { schema: z.object({}) });

const BATCH = 100;

export function createUploadSweep(options: {
  database: Database;
  jobs: Jobs;
  uploadLifetimeMs: number;
  now: () => number;
}): JobHandler<z.infer<typeof sweepUploadsJob.schema>> {
  const { database, jobs, uploadLifetimeMs, now } = options;
  return async ({ signal }) => {
    let swept = BATCH;
    while (swept === BATCH && !signal.aborted) {
      swept = await database.transaction(async (tx) => {
        const at = now();
        const stale = await tx
          .selectFrom('uploads')
          .select(['mediaId', 'draftKey'])
          .where('finishedAt', 'is', null)
          .where('updatedAt', '<', at - uploadLifetimeMs)
          .where('leaseUntil', '<=', at)
          .limit(BATCH)
          .execute();
        if (stale.length === 0) return 0;
        // The upload's row goes with its media row.
        await tx
          .deleteFrom('media')
          .where(
            'id',
            'in',
            stale.map((row) => row.mediaId),
          )
          .execute();
        await removeAfterCommit(jobs, tx, { drafts: stale.map((row) => row.draftKey) });
        return stale.length;
      });
    }
  };
}
