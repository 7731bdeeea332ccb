// The job that adds the other renditions to a video that is ready, when nobody else wants the processor. Each is listed once
// it is whole. Without them the video stays as it is; the source that was kept for them goes either way.
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
import { inRun, newRun, NO_ENCODER, type TranscodingOptions } from './encode-runs.ts';
import { findRenditions } from './stream-rows.ts';

export const transcodeRestJob = defineJob('transcode-rest', {
  schema: z.object({ mediaId: z.int() }),
  maxAttempts: 3,
  pauseMs: 10_000,
});
type Payload = z.infer<typeof transcodeRestJob.schema>;
type Media = Selectable<MediaTable>;

interface Begun {
  media: Media & { hlsPrefix: string; sourceKey: string; fileKey: string };
  run: string;
}

export function createRestTranscoding(options: TranscodingOptions): {
  run: JobHandler<Payload>;
  bury: Undertaker<Payload>;
} {
  const { database, jobs, bus, encoder, now } = options;

  async function run(job: JobRun<Payload>): Promise<void> {
    const begun = await database.transaction((tx) => begin(tx, job));
    if (!begun) return;
    if (!encoder) throw new PermanentFailure(NO_ENCODER);
    const { media } = begun;
    const { sourceKey, fileKey, hlsPrefix: prefix } = media;
    await inRun(options, { job, claim: { mediaId: media.id, run: begun.run }, prefix }, async (encode) => {
      const whole = (await findRenditions(database.read, media.id)).filter((row) => row.finishedAt !== null);
      const finished = whole.map(({ name, kind }) => ({ name, copied: kind === 'copy' }));
      const call = { ...encode.call, finished };
      const rest = await encode.withFile(sourceKey, (source) =>
        sourceKey === fileKey
          ? encoder.encodeRest({ ...call, source })
          : encode.withFile(fileKey, (progressive) => encoder.encodeRest({ ...call, source, progressive })),
      );
      const { progressive, poster } = rest;
      const keys = {
        ...(progressive !== undefined && { fileKey: await encode.publication.keep(progressive) }),
        ...(poster !== undefined && { posterKey: await encode.publication.keep(poster) }),
      };
      await encode.progress.end();
      await encode.publication.commit((tx) => end(tx, { media, run: begun.run, keys }));
    });
  }

  async function begin(tx: Transaction, job: JobRun<Payload>): Promise<Begun | undefined> {
    const { mediaId } = job.payload;
    await job.confirm(tx);
    const media = await tx.selectFrom('media').selectAll().where('id', '=', mediaId).executeTakeFirst();
    if (!media?.hlsPrefix || !media.sourceKey || !media.fileKey || media.readyAt === null) return undefined;
    const encodeRun = newRun();
    await tx.updateTable('media').set({ encodeRun, progress: null }).where('id', '=', mediaId).execute();
    const { hlsPrefix, sourceKey, fileKey } = media;
    return { media: { ...media, hlsPrefix, sourceKey, fileKey }, run: encodeRun };
  }

  /** Nothing is left to be made: what is better takes the place of what was there, and the source goes. */
  async function end(
    tx: Transaction,
    made: { media: Media; run: string | null; keys: { fileKey?: string; posterKey?: string } },
  ): Promise<void> {
    const { media, run: encodeRun, keys } = made;
    const updated = await tx
      .updateTable('media')
      .set({ ...keys, sourceKey: null, progress: null })
      .where('id', '=', media.id)
      .where('encodeRun', '=', encodeRun)
      .returning('postId')
      .executeTakeFirst();
    if (!updated) return;
    const unfinished = await tx
      .deleteFrom('renditions')
      .where('mediaId', '=', media.id)
      .where('finishedAt', 'is', null)
      .returning('name')
      .execute();
    await removeAfterCommit(jobs, tx, {
      keys: [
        media.sourceKey === media.fileKey ? null : media.sourceKey,
        keys.fileKey === undefined ? null : media.fileKey,
        keys.posterKey === undefined ? null : media.posterKey,
      ],
      prefixes: unfinished.map(({ name }) => `${media.hlsPrefix}/${name}`),
    });
    await announce(tx, { bus, postId: updated.postId, at: now() });
  }

  const bury: Undertaker<Payload> = async (tx, { payload: { mediaId } }) => {
    const media = await tx.selectFrom('media').selectAll().where('id', '=', mediaId).executeTakeFirst();
    if (media?.sourceKey) await end(tx, { media, run: media.encodeRun, keys: {} });
  };

  return { run, bury };
}
