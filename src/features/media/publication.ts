// What an encode makes, on its way to viewers: files into the store, then rows that list them. A listed file is there and never
// changes, and what was listed stays: a run that follows a killed one skips what that had listed, and goes on after it.
//
// When the connection is lost during a commit nobody knows whether rows name the files, so these stay. Whatever a run makes
// (segments, playlists, poster, storyboard, progressive file) lies under its prefix, where a file that no row came to name does no
// harm. A listed prefix goes with the video; another one stands in the row as a draft, and goes when the next run begins, when
// the last one was given up, and with the video. What was stored after that is for the sweep of orphans. The original
// is not a run's to remove: the transaction that drops it writes the job.
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Database, Transaction } from '../../platform/database/database.ts';
import type { JobRun } from '../../platform/jobs/jobs.ts';
import type { Bus } from '../../platform/realtime/bus.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { announce } from './announcing.ts';
import { type Claim, confirmClaim } from './draft-claims.ts';
import { findRenditions, findSegments, toRendition, toSegmentRow } from './stream-rows.ts';
import { measureRates, toIFramePlaylist, toMediaPlaylist } from './videos/listing.ts';
import type { MadeSegment } from './videos/segments.ts';
import type { StreamSink, StreamTrack } from './videos/stream.ts';

export interface Publication extends StreamSink {
  /** Moves a file of the work folder into the store; answers its key. */
  keep(name: string): Promise<string>;
  /** A transaction that may name what was kept, while the lease on the job is held. */
  commit(work: (tx: Transaction) => Promise<void>): Promise<void>;
  /** Whether a commit was asked for and not answered. */
  isInDoubt(): boolean;
  /** Removes from the store what certainly no row came to name. */
  discard(): Promise<void>;
}

interface PublicationOptions {
  database: Database;
  storage: Storage;
  bus: Bus;
  now: () => number;
  job: Pick<JobRun<unknown>, 'confirm'>;
  claim: Claim;
  /** Blob key prefix of the stream. */
  prefix: string;
  /** The work folder. */
  folder: string;
}

const KEPT_AT_ONCE = 4;

/** A track's row, as this run knows it. */
interface Known {
  id: number | undefined;
  /** Segments that have rows, and how long they last. */
  segments: number;
  seconds: number;
  /** How long all that this run told of lasts, listed before or not. */
  told: number;
  listed: boolean;
  finished: boolean;
  /** Whether this run has stored its beginning. */
  begun: boolean;
}

export function createPublication(options: PublicationOptions): Publication {
  const { database, storage, claim, prefix, folder, now } = options;
  const { mediaId, run } = claim;
  const tracks = new Map<string, Known>();
  /** Keys that no row can name yet. */
  const stored = new Set<string>();
  /** Keys that rows name if a commit under way succeeds. */
  const inDoubt = new Set<string>();
  let hasSound = false;

  async function keep(name: string): Promise<string> {
    const key = `${prefix}/${name}`;
    stored.add(key);
    await storage.blobs.adopt(key, join(folder, name));
    return key;
  }

  /** Several at a time, as a store across a network takes a while for each. None is on its way any more when this throws. */
  async function keepAll(names: readonly string[]): Promise<void> {
    for (let from = 0; from < names.length; from += KEPT_AT_ONCE) {
      const kept = await Promise.allSettled(names.slice(from, from + KEPT_AT_ONCE).map(keep));
      for (const one of kept) if (one.status === 'rejected') throw one.reason;
    }
  }

  async function put(name: string, text: string): Promise<void> {
    stored.add(`${prefix}/${name}`);
    await storage.blobs.put(`${prefix}/${name}`, Buffer.from(text));
  }

  async function know(name: string): Promise<Known> {
    const known = tracks.get(name) ?? (await recall(database, { mediaId, name }));
    tracks.set(name, known);
    return known;
  }

  async function commit<T>(keys: readonly string[], work: (tx: Transaction) => Promise<T>): Promise<T> {
    const result = await database.transaction(async (tx) => {
      await options.job.confirm(tx);
      const done = await work(tx);
      // What refused so far has committed nothing. From here on only an answer says what became of it.
      for (const key of keys) if (stored.delete(key)) inDoubt.add(key);
      return done;
    });
    for (const key of keys) inDoubt.delete(key);
    return result;
  }

  const change = <T>(names: readonly string[], work: (tx: Transaction) => Promise<T>): Promise<T> =>
    commit(
      names.map((name) => `${prefix}/${name}`),
      async (tx) => {
        await confirmClaim(tx, claim);
        return work(tx);
      },
    );

  return {
    keep,
    commit: (work) => commit([...stored], work),
    isInDoubt: () => inDoubt.size > 0,
    discard: () => storage.blobs.remove([...stored]),
    begin(video) {
      hasSound = video.hasSound;
    },

    // By time, not by number: the version before may have cut elsewhere.
    async append(track, { segments }) {
      const known = await know(track.name);
      const fresh: MadeSegment[] = [];
      for (const segment of segments) {
        const middle = known.told + segment.seconds / 2;
        if (middle > known.seconds) fresh.push(segment);
        known.told += segment.seconds;
      }
      const [first] = fresh;
      if (known.finished || !first) return;
      const position = known.segments;
      const files = [...(known.begun ? [] : [first.init]), ...fresh.map(({ file }) => file)];
      const names = files.map((file) => `${track.name}/${file}`);
      await keepAll(names);
      known.begun = true;
      known.id = await change(names, async (tx) => {
        const renditionId = known.id ?? (await insertTrack(tx, { mediaId, track }));
        const rows = fresh.map((segment, place) =>
          toSegmentRow({ renditionId, position: position + place }, segment),
        );
        await tx.insertInto('segments').values(rows).execute();
        if (track.early && !known.listed) await list(tx, { ...options, renditionId, hasSound });
        return renditionId;
      });
      known.listed ||= track.early;
      known.segments = position + fresh.length;
      known.seconds = known.told;
    },

    async finish(track) {
      const known = await know(track.name);
      const { id: renditionId } = known;
      if (known.finished || renditionId === undefined) return;
      const segments = await findSegments(database.read, renditionId);
      const names = [`${track.name}/${run}.m3u8`, `${track.name}/${run}-iframes.m3u8`] as const;
      await put(names[0], toMediaPlaylist({ ...track, segments, whole: true }));
      if (track.kind === 'picture') await put(names[1], toIFramePlaylist({ segments }));
      const whole = { ...measureRates(segments), playlistRun: run, finishedAt: now() };
      await change(names, async (tx) => {
        await tx.updateTable('renditions').set(whole).where('id', '=', renditionId).execute();
        await tx.deleteFrom('segments').where('renditionId', '=', renditionId).execute();
        if (!known.listed) await list(tx, { ...options, renditionId, hasSound });
      });
      known.finished = true;
    },
  };
}

async function recall(
  database: Database,
  { mediaId, name }: { mediaId: number; name: string },
): Promise<Known> {
  const row = await database.read
    .selectFrom('renditions')
    .select(['id', 'listedAt', 'finishedAt'])
    .select(({ selectFrom }) =>
      selectFrom('segments')
        .select(sql<number>`count(*)`.as('count'))
        .whereRef('renditionId', '=', 'renditions.id')
        .as('segments'),
    )
    .select(({ selectFrom }) =>
      selectFrom('segments')
        .select(sql<number>`sum(microseconds)`.as('sum'))
        .whereRef('renditionId', '=', 'renditions.id')
        .as('microseconds'),
    )
    .where('mediaId', '=', mediaId)
    .where('name', '=', name)
    .executeTakeFirst();
  const [listed, finished] = [Boolean(row?.listedAt), Boolean(row?.finishedAt)];
  const [segments, seconds] = [Number(row?.segments ?? 0), Number(row?.microseconds ?? 0) / 1e6];
  return { id: row?.id, segments, seconds, told: 0, listed, finished, begun: false };
}

async function insertTrack(
  tx: Transaction,
  { mediaId, track }: { mediaId: number; track: StreamTrack },
): Promise<number> {
  const row = toRendition(mediaId, track);
  return (await tx.insertInto('renditions').values(row).returning('id').executeTakeFirstOrThrow()).id;
}

/** From now on players are told of the track; of the first ones once there is a picture, and sound if there will be any. */
async function list(
  tx: Transaction,
  listing: Pick<PublicationOptions, 'claim' | 'bus' | 'now'> & { renditionId: number; hasSound: boolean },
): Promise<void> {
  const { claim, bus, now, renditionId, hasSound } = listing;
  const at = now();
  await tx.updateTable('renditions').set({ listedAt: at }).where('id', '=', renditionId).execute();
  const tracks = (await findRenditions(tx, claim.mediaId)).filter(({ listedAt }) => listedAt !== null);
  const pictures = tracks.filter(({ kind }) => kind !== 'sound');
  const media = await tx
    .selectFrom('media')
    .select(['postId', 'hlsPrefix', 'draftPrefix'])
    .where('id', '=', claim.mediaId)
    .executeTakeFirstOrThrow();
  const playable = pictures.length > 0 && (!hasSound || tracks.length > pictures.length);
  if (media.hlsPrefix === null && !playable) return;
  await tx
    .updateTable('media')
    .set({
      hlsPrefix: media.hlsPrefix ?? media.draftPrefix,
      draftPrefix: null,
      sizes: pictures.map(({ width, height }) => Math.min(width, height)).join(','),
    })
    .where('id', '=', claim.mediaId)
    .execute();
  await announce(tx, { bus, postId: media.postId, at });
}
