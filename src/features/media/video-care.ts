// What an owner may do for a video that is on a post: have it tried again, and give it captions. The posts feature says who
// the owner is, and opens the transaction.
import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Database, Reader, Transaction } from '../../platform/database/database.ts';
import type { MediaTable } from '../../platform/database/tables.ts';
import { conflict, invalid, notFound } from '../../platform/errors.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { captionKeys, type CaptionTrack, readCaptionTracks, writeCaptionTracks } from './caption-tracks.ts';
import type { Quota } from './quota.ts';
import { transcodeJob } from './transcode.ts';
import { type CaptionsProblem, readCaptions, writeCaptions } from './videos/web-vtt.ts';

/** A video on a post. */
export interface VideoOnPost {
  mediaId: number;
  postId: number;
}

export interface VideoCare {
  /** Queues a failed video once more. Throws `not_found`, or `conflict` (`video_not_failed`). */
  retry(tx: Transaction, video: VideoOnPost): Promise<void>;
  /**
   * Checks WebVTT and stores it, tidied, if the video has room for it just now. Throws `invalid` (`captions_not_valid`,
   * `language_not_valid`, `label_not_valid`), or as `addCaptions`.
   */
  storeCaptions(
    captions: VideoOnPost & { language: string; label: string; vtt: string },
  ): Promise<CaptionTrack>;
  /** Of what no row names. */
  discardCaptions(track: CaptionTrack): Promise<void>;
  /**
   * In place of those of the same language. Throws `not_found`, `conflict` (`too_many_captions`), or `too_large` when the
   * owner's quota is reached.
   */
  addCaptions(tx: Transaction, given: VideoOnPost & { track: CaptionTrack }): Promise<void>;
  /** Throws `not_found`. */
  removeCaptions(tx: Transaction, given: VideoOnPost & { id: string }): Promise<void>;
}

const MOST_CAPTIONS = 20;
const LONGEST_LABEL = 60;

const PROBLEMS: Record<CaptionsProblem, string> = {
  not_captions: 'This file is not WebVTT.',
  no_cues: 'There is no text with times in this file.',
  too_many_cues: 'There are too many lines in this file.',
  cue_too_long: 'A text in this file is too long.',
};

export function createVideoCare(options: {
  database: Database;
  storage: Storage;
  jobs: Jobs;
  quota: Quota;
}): VideoCare {
  const { database, storage, jobs, quota } = options;
  return {
    async retry(tx, video) {
      const media = await find(tx, video);
      if (media.failedAt === null)
        throw conflict('video_not_failed', 'Only a video that could not be processed is tried again.');
      await tx
        .updateTable('media')
        .set({ failedAt: null, failure: null })
        .where('id', '=', media.id)
        .execute();
      await jobs.enqueue(tx, transcodeJob, { payload: { mediaId: media.id }, uniqueKey: String(media.id) });
    },

    async storeCaptions({ language, label, vtt, ...video }) {
      const id = randomBytes(16).toString('hex');
      const names = { language: readLanguage(language), label: readLabel(label) };
      const media = await find(database.read, video);
      const kept = withoutLanguage(media, names.language);
      const cues = readCaptions(vtt);
      if (!Array.isArray(cues)) throw invalid('captions_not_valid', PROBLEMS[cues]);
      const content = Buffer.from(writeCaptions(cues));
      const track = { id, ...names, key: `captions/${id}.vtt`, bytes: content.length };
      const bytes = countMore(media, [...kept, track]);
      if (bytes > 0) await quota.look({ ownerId: media.ownerId, bytes });
      await storage.blobs.put(track.key, content);
      return track;
    },

    discardCaptions: ({ key }) => storage.blobs.remove([key]),

    async addCaptions(tx, { track, ...video }) {
      const media = await find(tx, video);
      await keep(tx, media, [...withoutLanguage(media, track.language), track]);
    },

    async removeCaptions(tx, { id, ...video }) {
      const media = await find(tx, video);
      const present = readCaptionTracks(media.captions);
      const others = present.filter((track) => track.id !== id);
      if (others.length === present.length) throw notFound('captions');
      await keep(tx, media, others);
    },
  };

  async function keep(tx: Transaction, media: Media, tracks: readonly CaptionTrack[]): Promise<void> {
    const bytes = countMore(media, tracks);
    if (bytes > 0) await quota.check(tx, { ownerId: media.ownerId, bytes });
    const captions = writeCaptionTracks(tracks);
    const size = media.size + bytes;
    await tx.updateTable('media').set({ captions, size }).where('id', '=', media.id).execute();
    const kept = new Set(tracks.map(({ key }) => key));
    await removeAfterCommit(jobs, tx, { keys: captionKeys(media.captions).filter((key) => !kept.has(key)) });
  }
}

type Media = Selectable<MediaTable>;

/** Those beside which there is room for captions in this language. */
function withoutLanguage({ captions }: Media, language: string): CaptionTrack[] {
  const others = readCaptionTracks(captions).filter((track) => track.language !== language);
  if (others.length >= MOST_CAPTIONS)
    throw conflict('too_many_captions', `A video has captions in at most ${MOST_CAPTIONS} languages.`);
  return others;
}

/** Bytes that are kept more than now once these are all its captions. */
function countMore({ captions }: Media, tracks: readonly CaptionTrack[]): number {
  const count = (all: readonly CaptionTrack[]): number => all.reduce((sum, { bytes }) => sum + bytes, 0);
  return count(tracks) - count(readCaptionTracks(captions));
}

async function find(db: Reader, { mediaId, postId }: VideoOnPost): Promise<Media> {
  const media = await db
    .selectFrom('media')
    .selectAll()
    .where('id', '=', mediaId)
    .where('postId', '=', postId)
    .where('kind', '=', 'video')
    .executeTakeFirst();
  if (!media) throw notFound('video');
  return media;
}

/** In the one canonical spelling (BCP 47). */
function readLanguage(text: string): string {
  try {
    const [language] = text.length <= 35 ? Intl.getCanonicalLocales(text) : [];
    if (language !== undefined) return language;
  } catch {
    // Said below.
  }
  throw invalid('language_not_valid', 'This is not the name of a language, such as en or pt-BR.');
}

/** It stands between quotation marks in playlists. */
function readLabel(text: string): string {
  const label = text
    .replace(/[\p{C}"\\]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  if (label === '' || label.length > LONGEST_LABEL)
    throw invalid('label_not_valid', `A name for captions has 1 to ${LONGEST_LABEL} characters.`);
  return label;
}
