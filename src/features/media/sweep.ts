// What nobody came back for: unfinished uploads after their lifetime, with their bytes. Finished and active ones are
// never touched.
import { z } from 'zod';
import type { Database, Transaction } from '../../platform/database/database.ts';
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

  /** Unfinished uploads that nobody writes to, or will until the transaction ends. */
  async function lockStale(
    tx: Transaction,
  ): Promise<{ ownerId: number; mediaId: number; draftKey: string }[]> {
    const at = now();
    const find = () =>
      tx
        .selectFrom('uploads')
        .select(['ownerId', 'mediaId', 'draftKey'])
        .where('finishedAt', 'is', null)
        .where('updatedAt', '<', at - uploadLifetimeMs)
        .where('leaseUntil', '<=', at)
        .orderBy('id')
        .limit(BATCH)
        .execute();
    const found = await find();
    const owners = new Set(found.map(({ ownerId }) => ownerId).toSorted((a, b) => a - b));
    let waited = false;
    for (const ownerId of owners) waited = (await database.dialect.lock(tx, `storage:${ownerId}`)) || waited;
    return waited ? (await find()).filter(({ ownerId }) => owners.has(ownerId)) : found;
  }

  return async ({ signal }) => {
    let swept = BATCH;
    while (swept === BATCH && !signal.aborted) {
      swept = await database.transaction(async (tx) => {
        const stale = await lockStale(tx);
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
