// The way of a video from a file to what is published, without a server or a database.

import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SNIFF_BYTES, sniffVideo } from '../../src/features/media/videos/containers.ts';
import {
  encodeFirst,
  encodeRest,
  type EncodeRequest,
  type FirstOutcome,
} from '../../src/features/media/videos/encode.ts';
import { writeMasterPlaylist } from '../../src/features/media/videos/master-playlist.ts';
import {
  type ListedTrack,
  measureRates,
  type Rates,
  toIFramePlaylist,
  toMediaPlaylist,
  toSound,
  toVariant,
} from '../../src/features/media/videos/listing.ts';
import { probeVideo } from '../../src/features/media/videos/probe.ts';
import { STANDARD_SIDES } from '../../src/features/media/videos/renditions.ts';
import type { MadeSegment } from '../../src/features/media/videos/segments.ts';
import type { StreamSink, StreamTrack } from '../../src/features/media/videos/stream.ts';
import { testFfmpeg } from './videos.ts';

export interface Published {
  encoded: FirstOutcome & {
    tracks: ListedTrack[];
    /** Pictures, smallest first. */
    renditions: (ListedTrack & Rates)[];
  };
  /** The path of a published file: `video.mp4` and `poster.jpg` are the best ones. */
  at: (file: string) => string;
}

export interface FolderSink extends StreamSink {
  readonly tracks: ListedTrack[];
  /** Tracks as they were told of, piece by piece. */
  readonly told: string[];
}

/** A directory for one file of tests. */
export async function makeVideoFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'veranda-videos-'));
}

/** Leaves all files where they are, and writes a playlist for every track that is whole. */
export function createFolderSink(directory: string): FolderSink {
  const open = new Map<string, { track: StreamTrack; segments: MadeSegment[] }>();
  const tracks: ListedTrack[] = [];
  const told: string[] = [];
  return {
    tracks,
    told,
    begin: () => undefined,
    async append(track, { at, segments }) {
      const listed = open.get(track.name) ?? { track, segments: [] };
      if (at !== listed.segments.length) throw new Error('A segment is missing.');
      listed.segments.push(...segments);
      told.push(track.name);
      open.set(track.name, listed);
    },
    async finish(track) {
      const listed = open.get(track.name);
      if (!listed) throw new Error('A track has no segments.');
      const whole: ListedTrack = { ...track, segments: listed.segments, whole: true };
      tracks.push(whole);
      await writeFile(join(directory, track.name, 'playlist.m3u8'), toMediaPlaylist(whole));
      if (track.kind === 'picture')
        await writeFile(join(directory, track.name, 'iframes.m3u8'), toIFramePlaylist(whole));
    },
  };
}

/** Everything that encoding wants, with a work directory beside others in `folder`. */
export async function prepareVideo(
  folder: string,
  source: string,
  more: Partial<EncodeRequest> = {},
): Promise<EncodeRequest & { sink: FolderSink }> {
  const ffmpeg = more.ffmpeg ?? (await testFfmpeg());
  const container = sniffVideo((await readFile(source)).subarray(0, SNIFF_BYTES));
  if (!container) throw new Error('This is not a video.');
  const directory = await mkdtemp(join(folder, 'work-'));
  const probe = await probeVideo({ ffmpeg, source, directory, container });
  const sink = createFolderSink(directory);
  return { ffmpeg, source, directory, container, probe, sides: STANDARD_SIDES, run: 'a', ...more, sink };
}

/** Both steps, and the master playlist. */
export async function publishVideo(
  folder: string,
  source: string,
  more: Partial<EncodeRequest> = {},
): Promise<Published> {
  const request = await prepareVideo(folder, source, more);
  const { directory, sink } = request;
  const first = await encodeFirst(request);
  const progressive = first.progressiveIsSource ? undefined : join(directory, first.progressive);
  const rest = first.more
    ? await encodeRest({ ...request, run: 'b', finished: sink.tracks, progressive })
    : {};
  await writeFile(join(directory, 'master.m3u8'), writeMaster(sink.tracks));
  const best: Record<string, string> = {
    'video.mp4': rest.progressive ?? first.progressive,
    'poster.jpg': rest.poster ?? first.poster,
  };
  const renditions = listPictures(sink.tracks).map((track) => ({
    ...track,
    ...measureRates(track.segments),
  }));
  return {
    encoded: { ...first, tracks: sink.tracks, renditions },
    at: (file) => join(directory, best[file] ?? file),
  };
}

function writeMaster(tracks: readonly ListedTrack[]): string {
  const sound = tracks.find(({ kind }) => kind === 'sound');
  return writeMasterPlaylist({
    variants: listPictures(tracks).map(toVariant),
    sound: sound && toSound(sound),
  });
}

const listPictures = (tracks: readonly ListedTrack[]): ListedTrack[] =>
  tracks.filter(({ kind }) => kind === 'picture').toSorted((a, b) => a.width - b.width);
