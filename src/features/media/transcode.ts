// The job that makes a finalized video adaptive. Everything is written under a fresh unguessable prefix and becomes
// visible in one transaction at the end, so running it twice, or half, shows nothing wrong; the original stays playable
// until then, and stays for good when the video cannot be processed.
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Selectable, sql } from 'kysely';
import { z } from 'zod';
import { afterCommit, type Database, type Transaction } from '../../platform/database/database.ts';
import type { MediaTable } from '../../platform/database/tables.ts';
import {
  defineJob,
  type JobHandler,
  type JobRun,
  type Jobs,
  PermanentFailure,
  type Undertaker,
} from '../../platform/jobs/jobs.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { isPublished, watchDraft } from './draft-claims.ts';
import type { VideoEncoder } from './video-encoder.ts';
import type { EncodedVideo } from './videos/encode.ts';
import { VideoProblem } from './videos/problems.ts';

export const transcodeJob = defineJob('transcode', {
  schema: z.object({ mediaId: z.int() }),
  maxAttempts: 3,
  // A full disk or a machine out of memory is not better after a second.
  pauseMs: 10_000,
});
type Payload = z.infer<typeof transcodeJob.schema>;
type Media = Selectable<MediaTable>;

const NO_ENCODER = 'Video processing is not available on this server.';
const NO_REASON = 'This video could not be processed.';

export interface Transcoding {
  run: JobHandler<Payload>;
  /** Leaves a reason for the owner when the last try has failed. */
  bury: Undertaker<Payload>;
}

interface TranscodingOptions {
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

export function createTranscoding(options: TranscodingOptions): Transcoding {
  const { database, storage, jobs, bus, encoder, workFolder, now } = options;

  async function run(job: JobRun<Payload>): Promise<void> {
    const media = await begin(job);
    if (!media?.fileKey || !media.draftPrefix) return;
    if (!encoder) throw new PermanentFailure(NO_ENCODER);
    const prefix = media.draftPrefix;
    const folder = join(workFolder, randomBytes(16).toString('hex'));
    await mkdir(folder, { recursive: true });
    using claim = watchDraft(database, { id: media.id, prefix });
    try {
      const signal = AbortSignal.any([job.signal, claim.lost]);
      const encoded = await storage.blobs.withFile(media.fileKey, (source) =>
        encoder.encode({ source, folder, signal }),
      );
      const keys = await store({ storage, folder, encoded, prefix });
      await database.transaction((tx) => publish(tx, { job, media, encoded, keys }));
    } catch (error) {
      if (!(await isPublished(database, { id: media.id, prefix }))) await storage.blobs.removeAll(prefix);
      if (claim.lost.aborted) return;
      if (error instanceof VideoProblem && !error.retryable)
        throw new PermanentFailure(error.message, { cause: error });
      throw error;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Makes sure the blob is there and notes the fresh prefix; answers undefined when there is nothing (more) to do. */
  async function begin(job: JobRun<Payload>): Promise<Media | undefined> {
    const { mediaId } = job.payload;
    const upload = await database.read
      .selectFrom('uploads')
      .selectAll()
      .where('mediaId', '=', mediaId)
      .executeTakeFirst();
    const media = await database.transaction(async (tx) => {
      await job.confirm(tx);
      const old = await tx.selectFrom('media').selectAll().where('id', '=', mediaId).executeTakeFirst();
      if (!old || old.readyAt !== null) return undefined;
      await removeAfterCommit(jobs, tx, { prefixes: [old.draftPrefix] });
      const draftPrefix = `hls/${mediaId}-${randomBytes(16).toString('hex')}`;
      await tx
        .updateTable('media')
        .set({ draftPrefix, failedAt: null, failure: null })
        .where('id', '=', mediaId)
        .execute();
      return { ...old, draftPrefix };
    });
    if (media?.fileKey && upload) await storage.drafts.publish(upload.draftKey, upload.offset, media.fileKey);
    return media;
  }

  async function publish(
    tx: Transaction,
    {
      job,
      media,
      encoded,
      keys,
    }: { job: JobRun<Payload>; media: Media; encoded: EncodedVideo; keys: StoredKeys },
  ): Promise<void> {
    await job.confirm(tx);
    const { width, height, durationMs } = encoded;
    const updated = await tx
      .updateTable('media')
      .set({
        hlsPrefix: media.draftPrefix,
        draftPrefix: null,
        fileKey: keys.file,
        posterKey: keys.poster,
        width,
        height,
        durationMs,
        readyAt: now(),
      })
      .where('id', '=', media.id)
      .where('draftPrefix', '=', media.draftPrefix)
      .returning('postId')
      .executeTakeFirst();
    // Deleted while it was encoded: nothing refers to what was made.
    if (!updated) return removeAfterCommit(jobs, tx, { prefixes: [media.draftPrefix] });
    await removeAfterCommit(jobs, tx, { keys: [media.fileKey] });
    await announce(tx, { bus, postId: updated.postId, at: now() });
  }

  async function bury({ payload: { mediaId }, error }: { payload: Payload; error: unknown }): Promise<void> {
    const cause = error instanceof PermanentFailure ? error.cause : error;
    const reason = cause instanceof VideoProblem ? cause.message : NO_REASON;
    const failure = encoder ? reason : NO_ENCODER;
    await database.transaction(async (tx) => {
      const media = await tx.selectFrom('media').selectAll().where('id', '=', mediaId).executeTakeFirst();
      if (!media || media.readyAt !== null) return;
      await tx
        .updateTable('media')
        .set({ draftPrefix: null, failedAt: now(), failure })
        .where('id', '=', mediaId)
        .execute();
      await removeAfterCommit(jobs, tx, { prefixes: [media.draftPrefix] });
      await announce(tx, { bus, postId: media.postId, at: now() });
    });
  }

  return { run, bury };
}

/** The post that shows the media shows something else now. */
async function announce(
  tx: Transaction,
  { bus, postId, at }: { bus: Bus; postId: number | null; at: number },
): Promise<void> {
  if (postId === null) return;
  await tx
    .updateTable('posts')
    .set({ version: sql<number>`version + 1`, changedAt: at })
    .where('id', '=', postId)
    .execute();
  afterCommit(tx, () => bus.publish(topics.posts(), { postId }));
}

interface StoredKeys {
  file: string;
  poster: string;
}

async function store({
  storage,
  folder,
  encoded,
  prefix,
}: {
  storage: Storage;
  folder: string;
  encoded: EncodedVideo;
  prefix: string;
}): Promise<StoredKeys> {
  for (const name of encoded.files) await storage.blobs.adopt(`${prefix}/${name}`, join(folder, name));
  return { file: `${prefix}/${encoded.progressive}`, poster: `${prefix}/${encoded.poster}` };
}
