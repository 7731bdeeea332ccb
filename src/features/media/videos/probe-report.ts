// Reads ffprobe's JSON. Every number in it comes out of a stranger's file, so each is checked and absurd ones are dropped.

import { z } from 'zod';
import { readFraction, toNumber, type Fraction } from './frame-rates.ts';
import { AUDIO_CODECS } from './source-arguments.ts';
import { readClock } from './clock.ts';

export interface VideoTrack {
  /** Its number in the file. */
  index: number;
  codec: string;
  profile: string;
  /** As H.264 counts it: 42 is level 4.2. Undefined: unknown. */
  level?: number | undefined;
  /** When its first picture is shown. */
  startSeconds: number;
  /** As shown: rotated upright, with square pixels. */
  width: number;
  height: number;
  /** Upright and with square pixels already, as it is stored. */
  plain: boolean;
  pixelFormat: string;
  averageFrameRate?: Fraction | undefined;
  baseFrameRate?: Fraction | undefined;
  interlaced: boolean;
  durationSeconds?: number | undefined;
  /** As many as the file says; not all kinds of files do. */
  frames?: number | undefined;
  /** bit/s */
  bitRate?: number | undefined;
  color: { matrix: string; primaries: string; transfer: string };
}

export interface AudioTrack {
  index: number;
  codec: string;
  profile: string;
  channels: number;
  startSeconds: number;
  durationSeconds?: number | undefined;
  /** bit/s */
  bitRate?: number | undefined;
}

export interface VideoProbe {
  /** Of the longest track; 0 when the file does not say. */
  durationSeconds: number;
  streams: number;
  /** Undefined: there is none, or only a cover picture. */
  video?: VideoTrack | undefined;
  /** The first that can be decoded. */
  audio?: AudioTrack | undefined;
}

const text = z.string().catch('');
const size = z.number().int().nonnegative().catch(0);
const streamSchema = z.object({
  index: size,
  codec_type: text,
  codec_name: text,
  profile: text,
  width: size,
  height: size,
  sample_aspect_ratio: text,
  pix_fmt: text,
  field_order: text,
  color_space: text,
  color_primaries: text,
  color_transfer: text,
  avg_frame_rate: text,
  r_frame_rate: text,
  duration: text,
  nb_frames: text,
  start_time: text,
  level: size,
  bit_rate: text,
  channels: size,
  disposition: z.object({ attached_pic: size }).catch({ attached_pic: 0 }),
  side_data_list: z.array(z.object({ rotation: z.number().optional().catch(undefined) })).catch([]),
  tags: z.record(z.string(), z.string()).catch({}),
});
const reportSchema = z.object({
  streams: z.array(streamSchema).catch([]),
  format: z.object({ duration: text, bit_rate: text }).catch({ duration: '', bit_rate: '' }),
});

type Stream = z.infer<typeof streamSchema>;

/** Pixels stretched more than this are a broken header, not a camera. */
const ODDEST_PIXEL = 4;

/** Never throws: a report that makes no sense is one without tracks. */
export function readProbe(report: unknown): VideoProbe {
  const { streams, format } = reportSchema
    .catch({ streams: [], format: { duration: '', bit_rate: '' } })
    .parse(report);
  const picture = streams.find(
    (stream) => stream.codec_type === 'video' && stream.disposition.attached_pic === 0,
  );
  const sound = streams.find(
    (stream) => stream.codec_type === 'audio' && AUDIO_CODECS.has(stream.codec_name) && stream.channels > 0,
  );
  const video = picture && readVideo(picture, positive(format.bit_rate));
  const audio = sound && readAudio(sound);
  const durationSeconds =
    positive(format.duration) ?? Math.max(video?.durationSeconds ?? 0, audio?.durationSeconds ?? 0);
  return { durationSeconds, streams: streams.length, video, audio };
}

function readVideo(stream: Stream, fileBitRate: number | undefined): VideoTrack {
  const pixel = readPixelRatio(stream.sample_aspect_ratio);
  const rotation = readRotation(stream);
  const width = Math.round(stream.width * pixel);
  const lying = rotation === 90 || rotation === 270;
  return {
    index: stream.index,
    codec: stream.codec_name,
    profile: stream.profile,
    level: stream.level > 0 ? stream.level : undefined,
    startSeconds: readStart(stream),
    width: lying ? stream.height : width,
    height: lying ? width : stream.height,
    plain: pixel === 1 && rotation === 0,
    pixelFormat: stream.pix_fmt,
    averageFrameRate: readFraction(stream.avg_frame_rate),
    baseFrameRate: readFraction(stream.r_frame_rate),
    interlaced: ['tt', 'bb', 'tb', 'bt'].includes(stream.field_order),
    durationSeconds: readDuration(stream),
    frames: positive(stream.nb_frames),
    bitRate: positive(stream.bit_rate) ?? fileBitRate,
    color: { matrix: stream.color_space, primaries: stream.color_primaries, transfer: stream.color_transfer },
  };
}

function readAudio(stream: Stream): AudioTrack {
  return {
    index: stream.index,
    codec: stream.codec_name,
    profile: stream.profile,
    channels: stream.channels,
    startSeconds: readStart(stream),
    durationSeconds: readDuration(stream),
    bitRate: positive(stream.bit_rate),
  };
}

function readPixelRatio(ratio: string): number {
  const fraction = readFraction(ratio);
  const value = fraction ? toNumber(fraction) : 1;
  return value > ODDEST_PIXEL || value < 1 / ODDEST_PIXEL ? 1 : value;
}

/** Clockwise, as ffmpeg will apply it: only right angles change the frame's shape. Old builds say it in a tag. */
function readRotation(stream: Stream): number {
  const said =
    stream.side_data_list.find((data) => data.rotation !== undefined)?.rotation ??
    Number(stream.tags['rotate'] ?? 0);
  const angle = Number.isFinite(said) ? ((said % 360) + 360) % 360 : 0;
  return [90, 180, 270].find((right) => Math.abs(angle - right) < 1) ?? angle;
}

/** MP4 has it in the track's header, Matroska in a tag. */
function readDuration(stream: Stream): number | undefined {
  const clock = readClock(stream.tags['DURATION'] ?? '');
  return positive(stream.duration) ?? (clock > 0 ? clock : undefined);
}

const readStart = ({ start_time }: Stream): number =>
  Number.isFinite(Number(start_time)) ? Number(start_time) : 0;

function positive(value: string): number | undefined {
  const number = Number(value);
  return value !== '' && Number.isFinite(number) && number > 0 ? number : undefined;
}
