// What an owner may do for a video that is on a post: have it tried again, and give it captions. The posts feature says who
// the owner is, and opens the transaction.
import { randomBytes } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Transaction } from '../../platform/database/database.ts';
import type { MediaTable } from '../../platform/database/tables.ts';
import { conflict, invalid, notFound } from '../../platform/errors.ts';
import type { Jobs } from '../../platform/jobs/jobs.ts';
import { removeAfterCommit } from '../../platform/storage/removal.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { type CaptionTrack, readCaptionTracks, writeCaptionTracks } from './caption-tracks.ts';
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
  /** Checks WebVTT and stores it, tidied. Throws `invalid` (`captions_not_valid`). */
  storeCaptions(captions: { language: string; label: string; vtt: string }): Promise<CaptionTrack>;
  /** In place of those of the same language. Throws `not_found`, or `conflict` (`too_many_captions`). */
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

export function createVideoCare({ storage, jobs }: { storage: Storage; jobs: Jobs }): VideoCare {
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

    async storeCaptions({ language, label, vtt }) {
      const cues = readCaptions(vtt);
      if (!Array.isArray(cues)) throw invalid('captions_not_valid', PROBLEMS[cues]);
      const id = randomBytes(16).toString('hex');
      const key = `captions/${id}.vtt`;
      await storage.blobs.put(key, Buffer.from(writeCaptions(cues)));
      return { id, language: readLanguage(language), label: readLabel(label), key };
    },

    async addCaptions(tx, { track, ...video }) {
      const media = await find(tx, video);
      const present = readCaptionTracks(media.captions);
      const others = present.filter(({ language }) => language !== track.language);
      if (others.length >= MOST_CAPTIONS)
        throw conflict('too_many_captions', `A video has captions in at most ${MOST_CAPTIONS} languages.`);
      await keep(tx, { media, tracks: [...others, track], present });
    },

    async removeCaptions(tx, { id, ...video }) {
      const media = await find(tx, video);
      const present = readCaptionTracks(media.captions);
      const others = present.filter((track) => track.id !== id);
      if (others.length === present.length) throw notFound('captions');
      await keep(tx, { media, tracks: others, present });
    },
  };

  async function keep(
    tx: Transaction,
    change: { media: Selectable<MediaTable>; tracks: CaptionTrack[]; present: CaptionTrack[] },
  ): Promise<void> {
    const { media, tracks, present } = change;
    const captions = writeCaptionTracks(tracks);
    await tx.updateTable('media').set({ captions }).where('id', '=', media.id).execute();
    const gone = present.filter((track) => !tracks.includes(track));
    await removeAfterCommit(jobs, tx, { keys: gone.map(({ key }) => key) });
  }
}

async function find(tx: Transaction, { mediaId, postId }: VideoOnPost): Promise<Selectable<MediaTable>> {
  const media = await tx
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
