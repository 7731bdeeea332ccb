// What is being done to a video just now, for its owner to see. Written at most once a second, and only what is news; losing
// one changes nothing.
import { z } from 'zod';
import type { Database } from '../../platform/database/database.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { announce } from './announcing.ts';
import type { Claim } from './draft-claims.ts';
import type { EncodeProgress } from './videos/stream.ts';

const schema = z.object({
  step: z.enum(['reading', 'encoding', 'finishing']),
  /** Whole per cent of each rendition that is being made. */
  percents: z.record(z.string(), z.int()),
});

export type Progress = z.infer<typeof schema>;

export const readProgress = (column: string | null): Progress | undefined =>
  column === null ? undefined : schema.parse(JSON.parse(column));

export interface ProgressReport {
  report(progress: EncodeProgress): void;
  /** Nothing is written any more once this has resolved. */
  end(): Promise<void>;
}

const PAUSE_MS = 1_000;

export function createProgressReport(options: {
  database: Database;
  bus: Bus;
  claim: Claim;
  now: () => number;
}): ProgressReport {
  const { database, bus, claim, now } = options;
  const percents: Record<string, number> = {};
  let writtenAt = -Infinity;
  /** What the row says, as far as this run knows. */
  let written: string | undefined;
  let writing: Promise<void> = Promise.resolve();
  let busy = false;

  async function write(progress: string): Promise<void> {
    await database.transaction(async (tx) => {
      const media = await tx
        .updateTable('media')
        .set({ progress })
        .where('id', '=', claim.mediaId)
        .where('encodeRun', '=', claim.run)
        .returning('postId')
        .executeTakeFirst();
      if (media) await announce(tx, { bus, postId: media.postId, at: now() });
    });
    written = progress;
  }

  return {
    report({ step, track, fraction }) {
      if (track !== undefined) percents[track] = Math.round(100 * (fraction ?? 0));
      if (busy || now() - writtenAt < PAUSE_MS) return;
      const progress = JSON.stringify({ step, percents } satisfies Progress);
      if (progress === written) return;
      writtenAt = now();
      busy = true;
      writing = write(progress)
        .catch(() => undefined)
        .finally(() => {
          busy = false;
        });
    },
    end() {
      busy = true;
      return writing.finally(() => {
        busy = true;
      });
    },
  };
}
