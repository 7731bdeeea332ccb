// The job that makes a finalized video a stream that can be watched: from its first seconds on while it is still encoded, and
// ready once all that a viewer needs to begin with is whole. Larger renditions follow in a job of their own (transcode-rest.ts). The original
// stays playable until then, and stays for good when the video cannot be processed. A run that was killed is followed
// by one that goes on under the same prefix, if anything was listed there.
import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { Transaction } from '../../platform/database/database.ts';
import type { MediaTable } from '../../platform/database/tables.ts';
import {
  defineJob,
  type JobHandler,
  type JobRun,
  PermanentFailure,
  type Undertaker,
} from '../../platform/jobs/jobs.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import { announce } from './announcing.ts';
import {
  type EncodeRun,
  explain,
  inRun,
  newRun,
  NO_ENCODER,
  type TranscodingOptions,
} from './encode-runs.ts';
import { transcodeRestJob } from './transcode-rest.ts';
import type { FirstOutcome } from './videos/encode.ts';

export const transcodeJob = defineJob('transcode', {
  schema: z.object({ mediaId: z.int() }),
  maxAttempts: 3,
  // A full disk or a machine out of memory is not better after a second.
  pauseMs: 10_000,
});
type Payload = z.infer<typeof transcodeJob.schema>;
type Media = Selectable<MediaTable>;

export interface Transcoding {
  run: JobHandler<Payload>;
  /** Leaves a reason for the owner when the last try has failed. */
  bury: Undertaker<Payload>;
}

interface Begun {
  media: Media & { fileKey: string };
  run: string;
  prefix: string;
}

export function createTranscoding(options: TranscodingOptions): Transcoding {
  const { database, storage, jobs, bus, encoder, now } = options;

  async function run(job: JobRun<Payload>): Promise<void> {
    const begun = await begin(job);
    if (!begun) return;
    if (!encoder) throw new PermanentFailure(NO_ENCODER);
    const { media, prefix } = begun;
    const claim = { mediaId: media.id, run: begun.run };
    await inRun(options, { job, claim, prefix }, async (encode) => {
      const first = await encode.withFile(media.fileKey, (source) =>
        encoder.encodeFirst({ ...encode.call, source }),
      );
      const keys = await keepFiles(encode, first);
      await encode.progress.end();
      await encode.publication.commit((tx) => publish(tx, { begun, first, keys }));
    });
  }

  /** Makes sure the blob is there and notes the run; answers undefined when there is nothing (more) to do. */
  async function begin(job: JobRun<Payload>): Promise<Begun | undefined> {
    const { mediaId } = job.payload;
    const upload = await database.read
      .selectFrom('uploads')
      .selectAll()
      .where('mediaId', '=', mediaId)
      .executeTakeFirst();
    const begun = await database.transaction((tx) => claimMedia(tx, job));
    if (begun && upload) await storage.drafts.publish(upload.draftKey, blobOf(upload, begun, job));
    return begun;
  }

  async function claimMedia(tx: Transaction, job: JobRun<Payload>): Promise<Begun | undefined> {
    const { mediaId } = job.payload;
    await job.confirm(tx);
    const media = await tx.selectFrom('media').selectAll().where('id', '=', mediaId).executeTakeFirst();
    if (!media?.fileKey || media.readyAt !== null) return undefined;
    const encodeRun = newRun();
    let prefix = media.hlsPrefix;
    if (prefix === null) {
      await removeAfterCommit(jobs, tx, { prefixes: [media.draftPrefix] });
      await tx.deleteFrom('renditions').where('mediaId', '=', mediaId).execute();
      prefix = `hls/${mediaId}-${randomBytes(16).toString('hex')}`;
    }
    const draftPrefix = media.hlsPrefix === null ? prefix : null;
    await tx
      .updateTable('media')
      .set({ draftPrefix, encodeRun, failedAt: null, failure: null, progress: null })
      .where('id', '=', mediaId)
      .execute();
    return { media: { ...media, fileKey: media.fileKey }, run: encodeRun, prefix };
  }

  async function publish(
    tx: Transaction,
    made: { begun: Begun; first: FirstOutcome; keys: Kept },
  ): Promise<void> {
    const { begun, first, keys } = made;
    const { media, prefix } = begun;
    const { width, height, durationMs, more, progressiveIsSource } = first;
    const sourceKey = progressiveIsSource ? keys.fileKey : media.fileKey;
    const updated = await tx
      .updateTable('media')
      .set({
        ...keys,
        width,
        height,
        durationMs,
        sourceKey: more ? sourceKey : null,
        progress: null,
        readyAt: now(),
      })
      .where('id', '=', media.id)
      .where('encodeRun', '=', begun.run)
      .where('hlsPrefix', '=', prefix)
      .returning('postId')
      .executeTakeFirst();
    // Deleted while it was encoded: nothing refers to what was made.
    if (!updated) return removeAfterCommit(jobs, tx, { prefixes: [prefix] });
    if (!more || progressiveIsSource) await removeAfterCommit(jobs, tx, { keys: [media.fileKey] });
    if (more)
      await jobs.enqueue(tx, transcodeRestJob, {
        payload: { mediaId: media.id },
        uniqueKey: String(media.id),
      });
    await announce(tx, { bus, postId: updated.postId, at: now() });
  }

  const bury: Undertaker<Payload> = async (tx, { payload: { mediaId }, error }) => {
    const media = await tx.selectFrom('media').selectAll().where('id', '=', mediaId).executeTakeFirst();
    if (!media || media.readyAt !== null) return;
    const nothing = { hlsPrefix: null, draftPrefix: null, encodeRun: null, sizes: null, progress: null };
    await tx
      .updateTable('media')
      .set({ ...nothing, failedAt: now(), failure: explain(options, error) })
      .where('id', '=', mediaId)
      .execute();
    await tx.deleteFrom('renditions').where('mediaId', '=', mediaId).execute();
    await removeAfterCommit(jobs, tx, { prefixes: [media.hlsPrefix, media.draftPrefix] });
    await announce(tx, { bus, postId: media.postId, at: now() });
  };

  return { run, bury };
}

interface Kept {
  fileKey: string;
  posterKey: string;
  storyboardKey: string;
}

async function keepFiles({ publication }: EncodeRun, first: FirstOutcome): Promise<Kept> {
  await publication.keep(first.storyboard.sheet);
  return {
    storyboardKey: await publication.keep(first.storyboard.list),
    posterKey: await publication.keep(first.poster),
    fileKey: await publication.keep(first.progressive),
  };
}

const blobOf = ({ offset }: { offset: number }, { media }: Begun, { signal }: JobRun<Payload>) => ({
  ...{ size: offset, blobKey: media.fileKey, signal },
});
