// Removing blobs is a job written in the transaction that drops their last reference, so a crash in between
// leaves neither a row without its file nor a file that stays for ever.
import { z } from 'zod';
import type { Database, Transaction } from '../database/database.ts';
import { defineJob, type JobHandler, type Jobs } from '../jobs/jobs.ts';
import { createRemovalHold } from './removal-hold.ts';
import type { Storage } from './storage.ts';

export const removeBlobsJob = defineJob('remove-blobs', {
  schema: z.object({
    keys: z.array(z.string()).default([]),
    /** Whole folders. */
    prefixes: z.array(z.string()).default([]),
    drafts: z.array(z.string()).default([]),
  }),
  maxAttempts: 20,
  priority: 10,
});

export type Removable = {
  keys?: (string | null)[];
  prefixes?: (string | null)[];
  drafts?: (string | null)[];
};

/** Writes the job that removes these; nulls are passed over, and nothing is written for nothing. */
export async function removeAfterCommit(jobs: Jobs, tx: Transaction, removable: Removable): Promise<void> {
  const payload = {
    keys: present(removable.keys),
    prefixes: present(removable.prefixes),
    drafts: present(removable.drafts),
  };
  if (payload.keys.length + payload.prefixes.length + payload.drafts.length === 0) return;
  await jobs.enqueue(tx, removeBlobsJob, { payload });
}

export function createBlobRemoval({
  database,
  storage,
}: {
  database: Database;
  storage: Storage;
}): JobHandler<z.infer<typeof removeBlobsJob.schema>> {
  const hold = createRemovalHold(database);
  return async ({ payload, signal }) => {
    await hold.lifted(signal);
    // Drafts first: afterwards nobody can publish one as a blob that was just removed.
    for (const draft of payload.drafts) await storage.drafts.remove(draft);
    await storage.blobs.remove(payload.keys);
    for (const prefix of payload.prefixes) await storage.blobs.removeAll(prefix);
  };
}

const present = (list: (string | null)[] = []): string[] => list.filter((item) => item !== null);
