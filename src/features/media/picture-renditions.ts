// The jobs that make a stored picture's renditions. Everything is written under a fresh unguessable prefix and becomes
// visible in one transaction, provided that the picture is still there; so a job may be run twice, or half.
import { randomBytes } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { z } from 'zod';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { PicturesTable } from '../../platform/database/tables.ts';
import { type JobHandler, type JobRun, type Jobs, type Undertaker } from '../../platform/jobs/jobs.ts';
import { type Rendition, readRenditions } from '../../platform/pictures/facts.ts';
import type { PictureLook, Pictures } from '../../platform/pictures/pictures.ts';
import { pictureAvifJob } from '../../platform/pictures/records.ts';
import type { RenditionFormat } from '../../platform/pictures/renditions.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { touchPosts } from '../profiles/index.ts';

type Payload = z.infer<typeof pictureAvifJob.schema>;
type Picture = Selectable<PicturesTable>;

/** In pixels. A column of the page is some 600 wide, a phone's screen 400, each with up to three pixels to a point. */
const WIDTHS: Record<Picture['role'], readonly number[]> = {
  post: [320, 640, 1_280, 2_048],
  cover: [640, 1_280, 1_600],
  avatar: [144, 400],
};

/** Where AVIF is worth its time: an avatar is a few kilobytes either way. */
const WITH_AVIF: readonly Picture['role'][] = ['post', 'cover'];

export interface PictureRendering {
  webp: JobHandler<Payload>;
  avif: JobHandler<Payload>;
  /** Nothing is tried again by itself after the last try has failed. */
  bury: Undertaker<Payload>;
}

interface RenderingOptions {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  pictures: Pictures;
  formats: readonly RenditionFormat[];
  now: () => number;
}

export function createPictureRendering(options: RenderingOptions): PictureRendering {
  const { database, storage, jobs, now } = options;

  async function run(job: JobRun<Payload>, format: RenditionFormat): Promise<void> {
    const begun = await begin(job, format);
    if (!begun) return;
    const { picture, prefix } = begun;
    try {
      const made = await make(options, { ...begun, format, signal: job.signal });
      await database.transaction(async (tx) => {
        await job.confirm(tx);
        await publish(tx, { ...options, ...begun, ...made, format });
      });
    } catch (error) {
      if (!(await isPublished(database, { id: picture.id, prefix }))) await storage.blobs.removeAll(prefix);
      throw error;
    }
  }

  /** Notes the fresh prefix; answers undefined when there is nothing (more) to do. */
  async function begin(job: JobRun<Payload>, format: RenditionFormat): Promise<Begun | undefined> {
    const id = job.payload.pictureId;
    return database.transaction(async (tx) => {
      await job.confirm(tx);
      const picture = await tx.selectFrom('pictures').selectAll().where('id', '=', id).executeTakeFirst();
      if (!picture || picture[`${format}Prefix`] !== null) return undefined;
      await removeAfterCommit(jobs, tx, { prefixes: [picture.draftPrefix] });
      const prefix = `renditions/${randomBytes(16).toString('hex')}`;
      await tx.updateTable('pictures').set({ draftPrefix: prefix }).where('id', '=', id).execute();
      return { picture, prefix };
    });
  }

  const bury: Undertaker<Payload> = async (tx, { payload: { pictureId: id } }) => {
    const picture = await tx.selectFrom('pictures').selectAll().where('id', '=', id).executeTakeFirst();
    if (!picture) return;
    const failed = { draftPrefix: null, failedAt: now() };
    await tx.updateTable('pictures').set(failed).where('id', '=', id).execute();
    await removeAfterCommit(jobs, tx, { prefixes: [picture.draftPrefix] });
  };

  return { webp: (job) => run(job, 'webp'), avif: (job) => run(job, 'avif'), bury };
}

/** A run that may write under `prefix`. */
interface Begun {
  /** As it was at the beginning. */
  picture: Picture;
  prefix: string;
}

interface Made {
  renditions: Rendition[];
  /** What was not known of the picture. */
  look: PictureLook | undefined;
}

async function make(
  { storage, pictures }: Pick<RenderingOptions, 'storage' | 'pictures'>,
  { picture, prefix, format, signal }: Begun & { format: RenditionFormat; signal: AbortSignal },
): Promise<Made> {
  return storage.blobs.withFile(picture.key, async (path) => {
    const renditions: Rendition[] = [];
    for await (const rendered of pictures.render(path, { format, widths: WIDTHS[picture.role] })) {
      signal.throwIfAborted();
      const { bytes, type, width, height, isStill } = rendered;
      const key = `${prefix}/${width}${isStill ? '-still' : ''}.${format}`;
      await storage.blobs.put(key, bytes);
      renditions.push({ key, type, width, height, ...(isStill && { still: true }) });
    }
    return { renditions, look: picture.blurhash === null ? await pictures.look(path) : undefined };
  });
}

interface Publication extends Begun, Made, Pick<RenderingOptions, 'database' | 'jobs' | 'formats' | 'now'> {
  format: RenditionFormat;
}

async function publish(tx: Transaction, work: Publication): Promise<void> {
  const { database, jobs, formats, now, picture, prefix, renditions, look, format } = work;
  // As everybody does first who replaces or removes a picture, so that neither waits for the other.
  await database.dialect.lock(tx, `${picture.role === 'post' ? 'thread' : 'profile'}:${picture.shownOn}`);
  const before = format === 'webp' ? [] : readRenditions(picture.renditions);
  const updated = await tx
    .updateTable('pictures')
    .set({
      ...look,
      draftPrefix: null,
      [`${format}Prefix`]: prefix,
      // The newest format first, as a browser takes the first that it knows.
      renditions: JSON.stringify([...renditions, ...before]),
      renderedAt: now(),
    })
    .where('id', '=', picture.id)
    .where('draftPrefix', '=', prefix)
    .returning('id')
    .executeTakeFirst();
  // Removed while they were made: nothing refers to them.
  if (!updated) return removeAfterCommit(jobs, tx, { prefixes: [prefix] });
  await touchShowing(tx, picture);
  if (format === 'webp' && formats.includes('avif') && WITH_AVIF.includes(picture.role))
    await jobs.enqueue(tx, pictureAvifJob, {
      payload: { pictureId: picture.id },
      uniqueKey: String(picture.id),
    });
}

/** A commit may have happened although its answer was lost. */
async function isPublished(
  { read }: Database,
  { id, prefix }: { id: number; prefix: string },
): Promise<boolean> {
  const row = await read
    .selectFrom('pictures')
    .select(['webpPrefix', 'avifPrefix'])
    .where('id', '=', id)
    .executeTakeFirst();
  return row?.webpPrefix === prefix || row?.avifPrefix === prefix;
}

/** Who shows the picture looks another way now. Nobody is told: what they have loaded stays good. */
async function touchShowing(tx: Transaction, { role, shownOn }: Picture): Promise<void> {
  if (role === 'avatar') return touchPosts(tx, shownOn);
  if (role === 'post')
    await tx
      .updateTable('posts')
      .set({ version: sql<number>`version + 1` })
      .where('id', '=', shownOn)
      .execute();
}
