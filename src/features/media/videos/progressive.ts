// The two single files beside the stream: one MP4 for players without HLS, and one still picture. Neither costs an encode.

import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FfmpegFailed, runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import type { RunLimits } from '../../../platform/ffmpeg/sandbox.ts';
import type { VideoContainer } from './containers.ts';
import { ANONYMOUS, INIT, NO_MESSAGES } from './encode-arguments.ts';
import { toNumber } from './frame-rates.ts';
import type { VideoLimits } from './limits.ts';
import type { Segment } from './playlists.ts';
import type { VideoProbe } from './probe-report.ts';
import { sourceArguments } from './source-arguments.ts';

export const PROGRESSIVE = 'video.mp4';
export const POSTER = 'poster.jpg';

export interface Work {
  ffmpeg: Ffmpeg;
  directory: string;
  limits: RunLimits;
  signal?: AbortSignal | undefined;
}

export interface Source {
  source: string;
  container: VideoContainer;
  probe: VideoProbe;
  videoLimits: VideoLimits;
}

/** An encoded rendition: its folder in the work directory and what is in it. */
export interface Encoded {
  folder: string;
  segments: Segment[];
}

const POSTER_SIDE = 1280;
/** Some twelve seconds: past a title that fades in. */
const POSTER_SEGMENTS = 3;
const SPLICE = 'splice.mp4';
const PARTIAL = 'partial.mp4';
/** A copy keeps the source's bits, so it must be what every browser plays. */
const COPYABLE = { side: 1088, framesPerSecond: 61, bitRate: 16_000_000 };
const COPYABLE_PROFILES = new Set(['Constrained Baseline', 'Baseline', 'Main', 'High']);
const COPYABLE_SOUND = new Set(['aac', 'mp3']);

/** Copies the source's tracks if browsers play them, else puts the best rendition's segments into one file. */
export async function makeProgressive(work: Work, from: { source: Source; best: Encoded }): Promise<void> {
  const { source, best } = from;
  if (isCopyable(source)) {
    try {
      await remux(work, {
        input: sourceArguments({ ...source, limits: source.videoLimits }),
        readable: [source.source],
        probe: source.probe,
      });
      return;
    } catch (error) {
      // Odd but playable files can fail to be copied; their encoded form does not.
      if (!(error instanceof FfmpegFailed) || error.reason !== 'exit') throw error;
    }
  }
  await splice(work.directory, { ...best, to: SPLICE });
  await remux(work, { input: ['-f', 'mov', '-i', SPLICE], readable: [] });
  await rm(join(work.directory, SPLICE));
}

/** The most typical of the first key frames, which is upright and in plain colours already. */
export async function makePoster(work: Work, best: Encoded): Promise<void> {
  const { folder, segments } = best;
  await splice(work.directory, { folder, segments: segments.slice(0, POSTER_SEGMENTS), to: SPLICE });
  const fit = `scale=w='min(iw,${POSTER_SIDE})':h='min(ih,${POSTER_SIDE})':force_original_aspect_ratio=decrease`;
  await run(work, {
    args: [
      ...[
        '-protocol_whitelist',
        'file',
        '-skip_frame',
        'nokey',
        '-f',
        'mov',
        '-i',
        SPLICE,
        '-an',
        ...ANONYMOUS,
      ],
      ...['-vf', `thumbnail=20,${fit},format=yuvj420p`, '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '4'],
      ...['-f', 'mjpeg', POSTER],
    ],
    readable: [],
  });
  await rm(join(work.directory, SPLICE));
}

function isCopyable({ container, probe }: Pick<Source, 'container' | 'probe'>): boolean {
  const { video, audio } = probe;
  if (!video || container.demuxer !== 'mov') return false;
  const rate = video.averageFrameRate ? toNumber(video.averageFrameRate) : Infinity;
  return (
    video.codec === 'h264' &&
    COPYABLE_PROFILES.has(video.profile) &&
    video.pixelFormat === 'yuv420p' &&
    video.plain &&
    !video.interlaced &&
    Math.min(video.width, video.height) <= COPYABLE.side &&
    rate <= COPYABLE.framesPerSecond &&
    (video.bitRate ?? Infinity) <= COPYABLE.bitRate &&
    (!audio || COPYABLE_SOUND.has(audio.codec))
  );
}

/** With a probe its chosen tracks are taken, without it the first ones. */
async function remux(
  work: Work,
  from: { input: string[]; readable: string[]; probe?: VideoProbe },
): Promise<void> {
  const { video, audio } = from.probe ?? {};
  const maps = from.probe
    ? ['-map', `0:${video?.index ?? 0}`, ...(audio ? ['-map', `0:${audio.index}`] : [])]
    : ['-map', '0:v:0', '-map', '0:a:0?'];
  await run(work, {
    args: [
      ...from.input,
      ...maps,
      '-c',
      'copy',
      ...ANONYMOUS,
      ...NO_MESSAGES,
      '-movflags',
      '+faststart',
      '-f',
      'mp4',
      PARTIAL,
    ],
    readable: from.readable,
  });
  await rename(join(work.directory, PARTIAL), join(work.directory, PROGRESSIVE));
}

async function run(work: Work, command: { args: string[]; readable: string[] }): Promise<void> {
  const { ffmpeg, directory, limits, signal } = work;
  const args = ['-nostdin', '-hide_banner', '-y', '-v', 'error', '-nostats', ...command.args];
  await runFfmpeg({
    ffmpeg,
    program: 'ffmpeg',
    args,
    cwd: directory,
    readable: command.readable,
    limits,
    signal,
  });
}

/** An init segment followed by its media segments is a fragmented MP4. */
async function splice(directory: string, from: Encoded & { to: string }): Promise<void> {
  const folder = join(directory, from.folder);
  for (const [place, name] of [INIT, ...from.segments.map((segment) => segment.uri)].entries()) {
    const flags = place === 0 ? 'w' : 'a';
    await pipeline(
      createReadStream(join(folder, name)),
      createWriteStream(join(directory, from.to), { flags }),
    );
  }
}
