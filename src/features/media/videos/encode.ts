// Turns a probed source into everything that is published of it: renditions for adaptive streaming, one progressive file,
// one poster. All goes into one work directory; nothing is left running, and on failure that directory may just be deleted.

import { mkdir, readFile, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runFfmpeg } from '../../../platform/ffmpeg/run.ts';
import type { Ffmpeg } from '../../../platform/ffmpeg/find.ts';
import type { RunLimits } from '../../../platform/ffmpeg/sandbox.ts';
import { readClock } from './clock.ts';
import type { VideoContainer } from './containers.ts';
import { encodeArguments, expectedSeconds, INIT, PLAYLIST, toleratedSeconds } from './encode-arguments.ts';
import { toNumber } from './frame-rates.ts';
import { blankSignatures, isWhole, readVideoCodec } from './fragments.ts';
import { defaultVideoLimits, type VideoLimits } from './limits.ts';
import {
  measureBandwidth,
  readMediaPlaylist,
  totalSeconds,
  writeMasterPlaylist,
  writeMediaPlaylist,
  type SizedSegment,
} from './playlists.ts';
import type { VideoProbe, VideoTrack } from './probe-report.ts';
import { damaged, explainFailure, interrupted } from './problems.ts';
import { makePoster, makeProgressive, POSTER, PROGRESSIVE } from './progressive.ts';
import type { Rendition } from './renditions.ts';

export interface EncodeRequest {
  ffmpeg: Ffmpeg;
  /** Absolute path. */
  source: string;
  /** Absolute path of a fresh, empty directory. */
  directory: string;
  container: VideoContainer;
  probe: VideoProbe;
  /** Smallest first, as chooseRenditions gives them. */
  renditions: Rendition[];
  signal?: AbortSignal | undefined;
  /** From 0 to 1, never falling. */
  onProgress?: (fraction: number) => void;
  limits?: RunLimits;
  videoLimits?: VideoLimits;
}

export interface EncodedRendition {
  name: string;
  width: number;
  height: number;
  /** Frames a second. */
  frameRate: number;
  /** bit/s, peak and mean. */
  bandwidth: number;
  averageBandwidth: number;
  /** RFC 6381, e.g. `avc1.64001F,mp4a.40.2`. */
  codecs: string;
}

export interface EncodedVideo {
  durationMs: number;
  /** Of the largest rendition. */
  width: number;
  height: number;
  hasAudio: boolean;
  renditions: EncodedRendition[];
  /** Everything to publish, relative to the work directory. */
  files: string[];
  master: string;
  progressive: string;
  poster: string;
}

interface Checked {
  rendition: Rendition;
  segments: SizedSegment[];
  codecs: string;
}

const MASTER = 'master.m3u8';
/** The share of the work that the encoder has; copying and the poster are quick. */
const ENCODER_SHARE = 0.95;
const GIB = 1024 ** 3;
const LEAST_ROOM = 1024 ** 2;

/** Generous: even a slow machine encodes a second of video in half a minute. A still longer run is stuck. */
export function defaultRunLimits(probe: VideoProbe): RunLimits {
  const pixels = (probe.video?.width ?? 0) * (probe.video?.height ?? 0);
  const seconds = 120 + 30 * probe.durationSeconds;
  return {
    wallMs: 1000 * seconds,
    cpuSeconds: 4 * seconds,
    memoryBytes: 3 * GIB + 100 * pixels,
    outputBytes: GIB + Math.ceil(4e6 * probe.durationSeconds),
  };
}

/** Throws VideoProblem. */
export async function encodeVideo(request: EncodeRequest): Promise<EncodedVideo> {
  try {
    return await encode(request);
  } catch (error) {
    throw explainFailure(error);
  }
}

async function encode(request: EncodeRequest): Promise<EncodedVideo> {
  const {
    ffmpeg,
    directory,
    signal,
    probe,
    renditions,
    source,
    container,
    videoLimits = defaultVideoLimits,
  } = request;
  const { video } = probe;
  if (!video || renditions.length === 0) throw damaged();
  const report = createProgress(request);
  const work = { ffmpeg, directory, signal, limits: request.limits ?? defaultRunLimits(probe) };
  const job = {
    source,
    container,
    probe: { ...probe, video },
    renditions,
    filters: ffmpeg.filters,
    limits: videoLimits,
  };

  for (const rendition of renditions) await mkdir(join(directory, rendition.name));
  const reached = await encodeRenditions(request, {
    args: encodeArguments(job),
    limits: work.limits,
    report,
  });
  const checked: Checked[] = [];
  for (const rendition of renditions)
    checked.push(await finishRendition({ directory, rendition, hasAudio: probe.audio !== undefined }));
  refuseMisfits(checked, { probe: { ...probe, video }, ffmpeg, reached });
  const top = checked.at(-1);
  if (!top) throw damaged();
  const best = { folder: top.rendition.name, segments: top.segments };
  await makePoster(work, best);
  await makeProgressive(work, { source: { source, container, probe, videoLimits }, best });
  const encoded = await publish(directory, { checked, top, hasAudio: probe.audio !== undefined });
  report(1);
  return encoded;
}

/** Resolves with the latest time stamp of picture or sound that the encoder has written, in seconds. */
async function encodeRenditions(
  request: EncodeRequest,
  encoder: { args: string[]; limits: RunLimits; report: (fraction: number) => void },
): Promise<number> {
  const { ffmpeg, source, directory, signal, probe } = request;
  const { args, limits, report } = encoder;
  let reached = 0;
  const onStdoutLine = (line: string): void => {
    if (!line.startsWith('out_time=')) return;
    reached = Math.max(reached, readClock(line.slice('out_time='.length)));
    report((ENCODER_SHARE * reached) / Math.max(probe.durationSeconds, 0.001));
  };
  await runFfmpeg({
    ffmpeg,
    program: 'ffmpeg',
    args,
    cwd: directory,
    readable: [source],
    limits,
    signal,
    onStdoutLine,
  });
  return reached;
}

function createProgress({ onProgress }: EncodeRequest): (fraction: number) => void {
  let last = -1;
  return (fraction) => {
    const bounded = fraction === 1 ? 1 : Math.min(fraction, ENCODER_SHARE);
    if (bounded <= last) return;
    last = bounded;
    onProgress?.(bounded);
  };
}

/** Checks one rendition's files and replaces what the muxer wrote about them by our own. */
async function finishRendition(made: {
  directory: string;
  rendition: Rendition;
  hasAudio: boolean;
}): Promise<Checked> {
  const { rendition, hasAudio } = made;
  const folder = join(made.directory, rendition.name);
  const listed = readMediaPlaylist(await readFile(join(folder, PLAYLIST), 'utf8').catch(() => ''));
  const init = await readFile(join(folder, INIT)).catch(() => Buffer.alloc(0));
  const codec = readVideoCodec(init);
  if (!listed || !codec) throw (await isDiskFull(made.directory)) ? interrupted() : damaged();
  const segments: SizedSegment[] = [];
  for (const segment of listed) segments.push({ ...segment, bytes: await sizeOf(join(folder, segment.uri)) });
  await writeFile(join(folder, INIT), blankSignatures(init));
  await writeFile(join(folder, PLAYLIST), writeMediaPlaylist({ init: INIT, segments }));
  return { rendition, segments, codecs: hasAudio ? `${codec},mp4a.40.2` : codec };
}

async function isDiskFull(directory: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize < LEAST_ROOM;
}

/** The encoder has ended well, so what is missing or short was not written for want of room. */
async function sizeOf(path: string): Promise<number> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  const whole = size > 0 && (!/\.(?:mp4|m4s)$/.test(path) || (await isWhole(path)));
  if (!whole) throw interrupted();
  return size;
}

/** A source that is cut short decodes without an error; only the length tells. */
function refuseMisfits(
  checked: Checked[],
  of: { probe: VideoProbe & { video: VideoTrack }; ffmpeg: Ffmpeg; reached: number },
): void {
  const [first, ...others] = checked;
  if (!first) throw damaged();
  const seconds = totalSeconds(first.segments);
  const frame = 1 / toNumber(first.rendition.frameRate);
  for (const { segments } of others) {
    const aligned = segments.every(
      (segment, place) => Math.abs(segment.seconds - (first.segments[place]?.seconds ?? 0)) <= frame,
    );
    if (segments.length !== first.segments.length || !aligned)
      throw new Error('The renditions are cut at different times.');
  }
  const expected = expectedSeconds({ probe: of.probe, filters: of.ffmpeg.filters });
  const tolerance = toleratedSeconds(expected);
  // Where only the whole file's length is known, the sound may be what is that long.
  const longest = of.probe.video.durationSeconds === undefined ? Math.max(seconds, of.reached) : seconds;
  if (longest < expected - tolerance || seconds > expected + tolerance) throw damaged();
}

async function publish(
  directory: string,
  made: { checked: Checked[]; top: Checked; hasAudio: boolean },
): Promise<EncodedVideo> {
  const { checked, top, hasAudio } = made;
  const renditions = checked.map(({ rendition, segments, codecs }): EncodedRendition => {
    const { name, width, height } = rendition;
    return {
      name,
      width,
      height,
      frameRate: toNumber(rendition.frameRate),
      ...measureBandwidth(segments),
      codecs,
    };
  });
  const variants = renditions.map((rendition) => ({ ...rendition, uri: `${rendition.name}/${PLAYLIST}` }));
  await writeFile(join(directory, MASTER), writeMasterPlaylist(variants));
  const files = [
    MASTER,
    PROGRESSIVE,
    POSTER,
    ...checked.flatMap(({ rendition, segments }) =>
      [PLAYLIST, INIT, ...segments.map(({ uri }) => uri)].map((file) => `${rendition.name}/${file}`),
    ),
  ];
  await Promise.all(files.map((file) => sizeOf(join(directory, file))));
  const durationMs = Math.round(1000 * totalSeconds(top.segments));
  const { width, height } = top.rendition;
  return {
    durationMs,
    width,
    height,
    hasAudio,
    renditions,
    files,
    master: MASTER,
    progressive: PROGRESSIVE,
    poster: POSTER,
  };
}
