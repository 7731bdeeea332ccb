// Sessions whose last token has ended are forgotten.
import { z } from 'zod';
import type { Database } from '../../platform/database/database.ts';
import { defineJob, type JobHandler } from '../../platform/jobs/jobs.ts';

export const sweepSessionsJob = defineJob('sweep-sessions', { schema: z.object({}) });

export function createSessionSweep({
  database,
  now,
}: {
  database: Database;
  now: () => number;
}): JobHandler<object> {
  return async () => {
    await database.transaction(async (tx) =>
      tx.deleteFrom('sessions').where('expiresAt', '<', now()).execute(),
    );
  };
}
