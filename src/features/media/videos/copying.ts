// What of a source can be published as it came: its bits stay, so they must be what every browser plays. Pure.

import type { VideoContainer } from './containers.ts';
import { toNumber } from './frame-rates.ts';
import type { VideoProbe, VideoTrack } from './probe-report.ts';

interface Source {
  container: VideoContainer;
  probe: VideoProbe;
}

const PROGRESSIVE = { side: 1088, framesPerSecond: 61, bitRate: 16_000_000 };
const PROFILES = new Set(['Constrained Baseline', 'Baseline', 'Main', 'High']);
const SOUND = new Set(['aac', 'mp3']);
/** bit/s: all sizes share the sound, the smallest too. */
const RICHEST_SOUND = 192_000;
/** Seconds by which the sound may end before the picture. */
const SAME_END = 0.1;
/** Sound in which a sample lasts longer than this has a hole. */
const LONGEST_SAMPLE_SECONDS = 0.05;

const HIGHEST_LEVEL = 42;
/** A camera's rate wanders by less. */
const STEADY = 0.01;
/** Seconds by which picture and sound may begin apart. */
const SAME_BEGINNING = 0.03;
/** Bits per pixel that are worth their way to a viewer: more at 720p than at 1080p. */
const RICHEST = [
  { pixels: 1280 * 720, bits: 0.19 },
  { pixels: Infinity, bits: 0.17 },
];
/** A group of pictures longer than this makes segments that are too long to begin with or to switch at. */
const LONGEST_GROUP_SECONDS = 4.1;
/** On average. Cameras set two; with every picture a key frame, what lists them for quick search is as long as the film. */
const MOST_KEY_FRAMES_PER_SECOND = 2.5;

/** Whether the file for players without HLS may be the source's own tracks. */
export function canCopyToFile({ container, probe }: Source): boolean {
  const { video, audio } = probe;
  if (!video || container.demuxer !== 'mov') return false;
  const rate = video.averageFrameRate ? toNumber(video.averageFrameRate) : Infinity;
  return (
    isPlainH264(video) &&
    Math.min(video.width, video.height) <= PROGRESSIVE.side &&
    rate <= PROGRESSIVE.framesPerSecond &&
    (video.bitRate ?? Infinity) <= PROGRESSIVE.bitRate &&
    (!audio || SOUND.has(audio.codec))
  );
}

/** Whether the picture may be a rendition as it is; how its groups lie is seen only when it is copied. */
export function canCopyToStream({ container, probe }: Source, largestSide: number): boolean {
  const { video, audio } = probe;
  if (!video || container.demuxer !== 'mov' || !isPlainH264(video)) return false;
  const { averageFrameRate: average, baseFrameRate: base, bitRate } = video;
  if (!average || !base || !bitRate) return false;
  const rate = toNumber(average);
  const pixels = video.width * video.height;
  const richest = RICHEST.find((row) => pixels <= row.pixels)?.bits ?? 0;
  return (
    (video.level ?? Infinity) <= HIGHEST_LEVEL &&
    Math.min(video.width, video.height) <= largestSide &&
    rate <= 60.1 &&
    Math.abs(rate - toNumber(base)) <= STEADY * rate &&
    bitRate <= richest * pixels * rate &&
    Math.abs(video.startSeconds - (audio?.startSeconds ?? video.startSeconds)) <= SAME_BEGINNING
  );
}

/** Whether the sound may be what all sizes share, as it is; whether it has holes is seen only when it is copied. */
export function canCopySound({ probe }: Source): boolean {
  const { video, audio } = probe;
  if (!audio?.durationSeconds || !audio.bitRate || !video?.durationSeconds) return false;
  return (
    audio.codec === 'aac' &&
    audio.profile === 'LC' &&
    audio.channels === 2 &&
    audio.bitRate <= RICHEST_SOUND &&
    audio.durationSeconds >= video.durationSeconds - SAME_END
  );
}

/** `pictureSeconds`: how long the picture turned out to be. */
export function isUnbroken(
  sound: { seconds: number; longestSampleSeconds: number },
  pictureSeconds: number,
): boolean {
  return sound.longestSampleSeconds <= LONGEST_SAMPLE_SECONDS && sound.seconds >= pictureSeconds - SAME_END;
}

const isPlainH264 = (video: VideoTrack): boolean =>
  video.codec === 'h264' &&
  PROFILES.has(video.profile) &&
  video.pixelFormat === 'yuv420p' &&
  video.plain &&
  !video.interlaced &&
  video.width % 2 === 0 &&
  video.height % 2 === 0;

/** Whether the groups of a copied picture are of a length that players can work with; the first of them is free. */
export function isWellGrouped(groups: { count: number; longestSeconds: number }, seconds: number): boolean {
  const { count, longestSeconds } = groups;
  return longestSeconds <= LONGEST_GROUP_SECONDS && count - 1 <= MOST_KEY_FRAMES_PER_SECOND * seconds;
}
