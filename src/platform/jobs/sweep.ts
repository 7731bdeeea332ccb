// Dead jobs wait to be looked at and tried again by those who run the site, but not for ever: anybody may make some.
import { z } from 'zod';
import type { Database } from '../database/database.ts';
import { defineJob, type JobHandler } from './jobs.ts';

export const sweepJobsJob = defineJob('sweep-jobs', { schema: z.object({}) });

const KEPT_MS = 30 * 86_400_000;

export function createJobSweep({
  database,
  now,
}: {
  database: Database;
  now: () => number;
}): JobHandler<object> {
  return async () => {
    await database.transaction(async (tx) =>
      tx
        .deleteFrom('jobs')
        .where('deadAt', '<', now() - KEPT_MS)
        .execute(),
    );
  };
}
