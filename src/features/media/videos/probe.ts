// Looks at a stranger's file once, in bounded time and memory, and refuses what could never be published.
// What it returns is all that the later steps know of the source.

import { FfmpegFailed, runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import type { RunLimits } from '../../../platform/ffmpeg/sandbox.ts';
import { readClock } from './clock.ts';
import type { VideoContainer } from './containers.ts';
import { defaultVideoLimits, type VideoLimits } from './limits.ts';
import { damaged, explainFailure, interrupted, tooComplex, VideoProblem } from './problems.ts';
import { readProbe, type VideoProbe } from './probe-report.ts';
import { sourceArguments, VIDEO_CODECS } from './source-arguments.ts';

export type { VideoProbe } from './probe-report.ts';

export interface ProbeRequest {
  ffmpeg: Ffmpeg;
  /** Absolute path. */
  source: string;
  /** An existing empty directory of this work. */
  directory: string;
  container: VideoContainer;
  limits?: VideoLimits;
  /** Of each run. */
  runLimits?: RunLimits;
  signal?: AbortSignal | undefined;
}

const PROBE_LIMITS: RunLimits = {
  wallMs: 4500,
  cpuSeconds: 4,
  memoryBytes: 1024 ** 3,
  outputBytes: 1024 ** 2,
};
/** Reading all packets of a long file without an index takes as long as the disk does. */
const SCAN_LIMITS: RunLimits = { ...PROBE_LIMITS, wallMs: 120_000, cpuSeconds: 60 };

/** Throws VideoProblem. A file whose header names no duration (what browsers record) is read through once to learn it. */
export async function probeVideo(request: ProbeRequest): Promise<VideoProbe> {
  const { limits = defaultVideoLimits } = request;
  const probe = readProbe(await runProbe(request, limits));
  refuseUnpublishable(probe, limits);
  if (probe.durationSeconds > 0) return probe;
  const scanned = await scan(request, { probe, limits }).catch((error: unknown) => {
    throw explainLook(error);
  });
  refuseUnpublishable(scanned, limits);
  if (scanned.durationSeconds <= 0) throw damaged();
  return scanned;
}

async function runProbe(request: ProbeRequest, limits: VideoLimits): Promise<unknown> {
  const { ffmpeg, source, directory, container, signal, runLimits = PROBE_LIMITS } = request;
  // ffprobe opens what follows its options; it has no `-i`-bound ones, so the same list serves.
  const args = [
    '-v',
    'error',
    '-of',
    'json',
    '-show_format',
    '-show_streams',
    ...sourceArguments({ source, container, limits }),
  ];
  try {
    const { stdout } = await runFfmpeg({
      ffmpeg,
      program: 'ffprobe',
      args,
      cwd: directory,
      readable: [source],
      limits: runLimits,
      signal,
    });
    return JSON.parse(stdout);
  } catch (error) {
    throw explainProbeFailure(error, limits);
  }
}

function explainProbeFailure(error: unknown, limits: VideoLimits): unknown {
  if (error instanceof SyntaxError) return damaged(error);
  if (!(error instanceof FfmpegFailed)) return error;
  // Here ffprobe gives up before it reports anything, so only its complaint tells which limit it met.
  if (error.stderrTail.includes('max_streams')) return tooManyTracks(limits, error);
  if (error.stderrTail.includes('max pixel count')) return tooManyPixels(limits, error);
  if (error.stderrTail.includes('not on whitelist')) return unsupportedCodec(error);
  return explainLook(error);
}

/**
 * A look takes a tenth of a second of the processor: a file that uses up forty times that is made to. Time that passed without it says
 * that the machine or the disk was busy.
 */
const explainLook = (error: unknown): unknown =>
  error instanceof FfmpegFailed && error.reason === 'timeout' ? interrupted(error) : explainFailure(error);

function refuseUnpublishable(probe: VideoProbe, limits: VideoLimits): void {
  const { video } = probe;
  if (probe.streams > limits.maxStreams) throw tooManyTracks(limits);
  if (!video) throw new VideoProblem('video_track_missing', 'This file has no video track.');
  if (!VIDEO_CODECS.has(video.codec)) throw unsupportedCodec();
  if (video.width < 1 || video.height < 1) throw damaged();
  if (Math.max(video.width, video.height) > limits.maxSide) {
    throw new VideoProblem('video_too_large', `This video is larger than ${limits.maxSide} pixels.`);
  }
  if (video.width * video.height > limits.maxPixels) throw tooManyPixels(limits);
  if ((video.frames ?? 0) > limits.maxFrames) throw tooComplex();
  if (probe.durationSeconds > limits.maxDurationSeconds) {
    throw new VideoProblem(
      'video_too_long',
      `This video is longer than ${sayDuration(limits.maxDurationSeconds)}.`,
    );
  }
}

function unsupportedCodec(cause?: unknown): VideoProblem {
  return new VideoProblem('video_codec_unsupported', 'The way this video is encoded is not supported.', {
    cause,
  });
}

function tooManyPixels(limits: VideoLimits, cause?: unknown): VideoProblem {
  const millions = (limits.maxPixels / 1e6).toFixed(0);
  return new VideoProblem('video_too_large', `This video has more than ${millions} million pixels.`, {
    cause,
  });
}

function tooManyTracks(limits: VideoLimits, cause?: unknown): VideoProblem {
  return new VideoProblem('video_too_many_tracks', `This file has more than ${limits.maxStreams} tracks.`, {
    cause,
  });
}

function sayDuration(seconds: number): string {
  for (const [unit, length] of [
    ['hour', 3600],
    ['minute', 60],
  ] as const) {
    if (seconds >= length && seconds % length === 0)
      return `${seconds / length} ${unit}${seconds === length ? '' : 's'}`;
  }
  return `${seconds} seconds`;
}

/** Copies all packets to nowhere; the last report has the latest time stamp and the number of frames. */
async function scan(
  request: ProbeRequest,
  known: { probe: VideoProbe; limits: VideoLimits },
): Promise<VideoProbe> {
  const { ffmpeg, source, directory, container, signal, runLimits = SCAN_LIMITS } = request;
  const { probe, limits } = known;
  const last = new Map<string, string>();
  await runFfmpeg({
    ffmpeg,
    program: 'ffmpeg',
    args: [
      ...['-nostdin', '-hide_banner', '-v', 'error', '-nostats', '-progress', 'pipe:1'],
      ...sourceArguments({ source, container, limits }),
      ...['-map', `0:${probe.video?.index ?? 0}`, '-c', 'copy', '-f', 'null', '-'],
    ],
    cwd: directory,
    readable: [source],
    limits: runLimits,
    signal,
    onStdoutLine: (line) => {
      const [key = '', value = ''] = line.split('=');
      last.set(key, value);
    },
  });
  const durationSeconds = readClock(last.get('out_time') ?? '');
  const frames = Number(last.get('frame'));
  const { video } = probe;
  if (!video || !(durationSeconds > 0)) return { ...probe, durationSeconds: 0 };
  const averageFrameRate =
    frames > 1 ? { numerator: Math.round((frames * 1000) / durationSeconds), denominator: 1000 } : undefined;
  return {
    ...probe,
    durationSeconds,
    video: { ...video, durationSeconds, averageFrameRate: video.averageFrameRate ?? averageFrameRate },
  };
}
