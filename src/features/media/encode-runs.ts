// One run of an encode, whichever step: a work folder that goes in the end, a watch over the claim, and a store
// that holds afterwards only what rows name, or may name.
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../../platform/database/database.ts';
import { type JobRun, type Jobs, PermanentFailure } from '../../platform/jobs/jobs.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { type Claim, isHeld, Overtaken, watchClaim } from './draft-claims.ts';
import { createProgressReport, type ProgressReport } from './progress.ts';
import { createPublication, type Publication } from './publication.ts';
import type { EncodeCall, VideoEncoder } from './video-encoder.ts';
import { VideoProblem } from './videos/problems.ts';

export interface TranscodingOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  bus: Bus;
  /** None when there is no ffmpeg: videos are then kept and played as they came. */
  encoder: VideoEncoder | undefined;
  /** Scratch space of this process alone. */
  workFolder: string;
  now: () => number;
}

export interface EncodeRun {
  call: Omit<EncodeCall, 'source'>;
  publication: Publication;
  progress: ProgressReport;
  /** That of the store, as long as the run is wanted. */
  withFile<T>(key: string, use: (path: string) => Promise<T>): Promise<T>;
}

export const NO_ENCODER = 'Video processing is not available on this server.';
const NO_REASON = 'This video could not be processed.';

/** For `encodeRun`. */
export const newRun = (): string => randomBytes(4).toString('hex');

/** Resolves too when the claim was lost: somebody else goes on, or nobody has to. */
export async function inRun(
  options: TranscodingOptions,
  given: { job: JobRun<unknown>; claim: Claim; prefix: string },
  work: (run: EncodeRun) => Promise<void>,
): Promise<void> {
  const { database, storage, workFolder } = options;
  const { job, claim, prefix } = given;
  const folder = join(workFolder, randomBytes(16).toString('hex'));
  await mkdir(folder, { recursive: true });
  using watch = watchClaim(database, claim);
  const publication = createPublication({ ...options, ...given, folder });
  const progress = createProgressReport({ ...options, claim });
  const signal = AbortSignal.any([job.signal, watch.lost]);
  try {
    const call = { folder, run: claim.run, sink: publication, signal, onProgress: progress.report };
    const withFile: EncodeRun['withFile'] = (key, use) => storage.blobs.withFile(key, use, { signal });
    await work({ call, publication, progress, withFile });
  } catch (error) {
    await progress.end();
    const named = publication.isInDoubt() || (await isListed(database, { mediaId: claim.mediaId, prefix }));
    if (named) await publication.discard();
    else await storage.blobs.removeAll(prefix);
    // The source of a video that was deleted is gone, which looks like damage. What cannot be read just now counts as held.
    const held = await isHeld(database.read, claim).catch(() => true);
    if (error instanceof Overtaken || watch.lost.aborted || !held) return;
    if (error instanceof VideoProblem && !error.retryable)
      throw new PermanentFailure(error.message, { cause: error });
    throw error;
  } finally {
    await progress.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the owner is told after the last try. */
export function explain({ encoder }: TranscodingOptions, error: unknown): string {
  if (!encoder) return NO_ENCODER;
  const cause = error instanceof PermanentFailure ? error.cause : error;
  return cause instanceof VideoProblem ? cause.message : NO_REASON;
}

/** Whether viewers were told of what is under the prefix. */
async function isListed(
  { read }: Database,
  { mediaId, prefix }: { mediaId: number; prefix: string },
): Promise<boolean> {
  const media = await read
    .selectFrom('media')
    .select('hlsPrefix')
    .where('id', '=', mediaId)
    .executeTakeFirst();
  return media?.hlsPrefix === prefix;
}
