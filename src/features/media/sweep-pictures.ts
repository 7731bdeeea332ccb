// Pictures without renditions, such as all of a site from before there were any, get theirs by and by.
import { z } from 'zod';
import type { Database, Transaction } from '../../platform/database/database.ts';
import { defineJob, type JobHandler, type Jobs } from '../../platform/jobs/jobs.ts';
import { BULK_PRIORITY, pictureRenditionsJob } from '../../platform/pictures/records.ts';

export const sweepPicturesJob = defineJob('sweep-pictures', { schema: z.object({}) });

/** Queued by one sweep, which is what an hour does: the queue is never longer for them, however many wait. */
const MOST = 2_000;
const BATCH = 200;

export function createPictureSweep({
  database,
  jobs,
}: {
  database: Database;
  jobs: Jobs;
}): JobHandler<z.infer<typeof sweepPicturesJob.schema>> {
  return async ({ signal }) => {
    const bare = await database.read
      .selectFrom('pictures')
      .select('id')
      .where('renderedAt', 'is', null)
      .where('failedAt', 'is', null)
      .orderBy('id')
      .limit(MOST)
      .execute();
    for (let first = 0; first < bare.length && !signal.aborted; first += BATCH)
      await database.transaction(async (tx) => {
        for (const { id } of bare.slice(first, first + BATCH)) await enqueue(tx, { jobs, pictureId: id });
      });
  };
}

const enqueue = (tx: Transaction, { jobs, pictureId }: { jobs: Jobs; pictureId: number }): Promise<void> =>
  jobs.enqueue(tx, pictureRenditionsJob, {
    payload: { pictureId },
    uniqueKey: String(pictureId),
    priority: BULK_PRIORITY,
  });
