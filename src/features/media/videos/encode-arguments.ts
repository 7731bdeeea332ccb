// The ffmpeg commands that make the tracks of a stream, several renditions from one decode. Pure. Each track becomes one
// fragmented file, a fragment per group of pictures. Only options that both today's builds and those of 2018 understand.

import { availableParallelism } from 'node:os';
import type { VideoContainer } from './containers.ts';
import { toNumber } from './frame-rates.ts';
import type { VideoLimits } from './limits.ts';
import type { VideoProbe, VideoTrack } from './probe-report.ts';
import type { Rendition } from './renditions.ts';
import { sourceArguments } from './source-arguments.ts';

export interface EncodeJob {
  source: string;
  container: VideoContainer;
  probe: PictureProbe;
  /** Of one decode, smallest first. */
  renditions: Rendition[];
  /** Whether the sound is made in the same run. */
  sound: boolean;
  /** Seconds at which a segment of a copied track begins: key frames are set there too. */
  cuts?: readonly number[] | undefined;
  /** Whether somebody waits for the first pictures. */
  early: boolean;
  /** Filters of this build of ffmpeg. */
  filters: ReadonlySet<string>;
  limits: VideoLimits;
}

export type PictureProbe = VideoProbe & { video: VideoTrack };

export const SOUND = 'audio';
export const COPY = 'copy.mp4';
/** The fragmented file of a track, in the work directory. */
export const fileOf = ({ name, copied }: { name: string; copied: boolean }): string =>
  copied ? COPY : `${name}.mp4`;

/** Nothing of the source's or the encoder's own words gets into what is published. */
export const ANONYMOUS = [
  ...['-map_metadata', '-1', '-map_chapters', '-1', '-sn', '-dn'],
  ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact'],
];
/** Supplemental enhancement messages: encoder settings, and whatever a camera chose to write between the pictures. */
export const NO_MESSAGES = ['-bsf:v', 'filter_units=remove_types=6'];

const GROUP_SECONDS = 2;
const SOUND_FRAGMENT_SECONDS = 1;
const SAMPLE_RATE = 48_000;
const MOST_THREADS = 12;
/** So far the encoder looks ahead for what later pictures take over: with the preset's ten it spends more bytes, with more it takes longer. */
const LOOKAHEAD_FRAMES = 20;
/** Lines from which the work on one picture is worth sharing; of smaller ones that only costs. */
const LARGE_SIDE = 720;
/** How small the blocks are that are predicted on their own: to try smaller ones takes time, and saves bytes in small pictures. */
const PARTITIONS = { large: 'i8x8,i4x4', small: 'i8x8,i4x4,p8x8' };
/** Sound that ends later than the picture by this much keeps the last picture on the screen. */
const STILL_FROM_SECONDS = 1;
const HDR_TRANSFERS = new Set(['smpte2084', 'arib-std-b67']);

const COMMON = ['-nostdin', '-hide_banner', '-y', '-v', 'error', '-nostats', '-progress', 'pipe:1'];
/** The index waits for the first pictures, and says how far their order of decoding puts them off. */
const PICTURE_FRAGMENTS = 'frag_keyframe+delay_moov+default_base_moof';
const SOUND_FRAGMENTS = 'empty_moov+default_base_moof';
/** What the AAC encoder puts before the first sample: so many are cut off, and nothing is shifted. */
const PRIMING_SAMPLES = 1024;

/** Seconds that 512 samples last. */
const HALF_A_FRAME = 0.0107;
const FRAGMENTED_SOUND = [
  ...['-f', 'mp4', '-movflags', SOUND_FRAGMENTS, '-frag_duration', String(SOUND_FRAGMENT_SECONDS * 1e6)],
  ...['-flush_packets', '1', fileOf({ name: SOUND, copied: false })],
];

/** What is copied, or encoded as sound alone: all that the arguments depend on. */
interface Sources extends Pick<EncodeJob, 'source' | 'container' | 'limits'> {
  probe: {
    video: Pick<VideoTrack, 'index' | 'durationSeconds'>;
    audio?: { index: number } | undefined;
  };
}

/** What is copied. */
interface CopyJob extends Sources {
  /** Whether the sound is copied in the same run. */
  sound: boolean;
}

export function encodeArguments(job: EncodeJob): string[] {
  const processors = Math.min(MOST_THREADS, availableParallelism());
  const threads = String(processors);
  // Where nobody waits, fewer decode: each of them costs the others more than it saves.
  const decoding = job.early ? processors : Math.max(1, Math.floor(processors / 2));
  return [
    ...[...COMMON, '-threads', String(decoding)],
    ...sourceArguments(job),
    ...['-filter_complex', filterGraph(job)],
    ...(job.sound ? ['-map', '[a]', ...soundOutput(job)] : keepZero(job)),
    ...job.renditions.flatMap((rendition, place) => outputArguments({ job, rendition, place, threads })),
  ];
}

/** The sound alone, which all renditions share. */
export function soundArguments(job: Sources): string[] {
  const { video, audio } = job.probe;
  const maps = ['-map', `0:${audio?.index ?? 0}`, '-af', soundFilters(video)];
  return [...COMMON, ...sourceArguments(job), ...maps, ...soundOutput(job)];
}

function soundOutput({ limits }: Pick<Sources, 'limits'>): string[] {
  return [
    ...['-vn', ...ANONYMOUS, '-t', String(limits.maxDurationSeconds + 1)],
    ...['-c:a', 'aac', '-b:a', '128k', '-ac', '2', '-ar', String(SAMPLE_RATE), ...FRAGMENTED_SOUND],
  ];
}

/** In these files zero is where the first track begins that is read: so that it is always the same, all are. */
function keepZero({ container, probe }: Pick<Sources, 'container' | 'probe'>): string[] {
  const relative = container.demuxer === 'mpegts' || container.demuxer === 'mpeg';
  return relative && probe.audio ? ['-map', `0:${probe.audio.index}`, '-c', 'copy', '-f', 'null', '-'] : [];
}

/** The picture as it came, in fragments, and the sound too if that is wanted. */
export function copyArguments(job: CopyJob): string[] {
  return [
    ...COMMON,
    ...sourceArguments(job),
    ...(job.sound ? ['-itsoffset', String(HALF_A_FRAME), ...sourceArguments(job), ...copiedSound(job)] : []),
    ...['-map', `0:${job.probe.video.index}`, '-an', '-c', 'copy', ...ANONYMOUS, ...NO_MESSAGES],
    ...['-f', 'mp4', '-movflags', PICTURE_FRAGMENTS, COPY],
  ];
}

/**
 * From the second input. Begins with the frame that lies next to zero, and there: without those that the encoder put before
 * the first sample. So it is never shifted by more than half a frame.
 */
function copiedSound({ probe }: Sources): string[] {
  const map = ['-map', `1:${probe.audio?.index ?? 0}`, '-vn', '-c', 'copy', '-copypriorss', '0'];
  return [...map, ...ANONYMOUS, ...FRAGMENTED_SOUND];
}

/** How long the picture of the result will be; undefined when the file says it of no track. */
export function expectedSeconds({ probe, filters }: Pick<EncodeJob, 'probe' | 'filters'>): number {
  return (probe.video.durationSeconds ?? probe.durationSeconds) + stillSeconds({ probe, filters });
}

/** By how much the result may be longer or shorter. */
export const toleratedSeconds = (expected: number): number => Math.max(1, 0.03 * expected);

function filterGraph(job: EncodeJob): string {
  const { probe, renditions } = job;
  const { video, audio } = probe;
  const chains = [`[0:${video.index}]${prepareFilters(job).join(',')}[p]`, ...scaleChains(video, renditions)];
  if (audio && job.sound) chains.push(`[0:${audio.index}]${soundFilters(video)}[a]`);
  return chains.join(';');
}

/**
 * Each is scaled from the next larger one, which costs half as much as from the source. By one thread: to share a picture
 * among several costs more than it saves.
 */
function scaleChains(video: VideoTrack, renditions: readonly Rendition[]): string[] {
  return renditions.map(({ width, height }, place) => {
    const isLargest = place === renditions.length - 1;
    const from = isLargest ? 'p' : `s${place}`;
    const matrix = isLargest ? conversion(video) : '';
    const scale = `scale=${width}:${height}:flags=bicubic:threads=1:out_range=tv${matrix},setsar=1,format=yuv420p`;
    return place === 0 ? `[${from}]${scale}[v0]` : `[${from}]${scale},split[v${place}][s${place - 1}]`;
  });
}

/** What is done once for all: progressive frames at a constant rate from zero on, in standard dynamic range. */
function prepareFilters(job: EncodeJob): string[] {
  const { probe, filters, renditions } = job;
  const rate = renditions[0]?.frameRate;
  const still = stillSeconds(job);
  const largest = renditions.at(-1);
  return [
    `setpts=${withoutLeaps(job)}`,
    ...(probe.video.interlaced ? ['bwdif=mode=send_frame:parity=auto:deint=interlaced'] : []),
    ...(rate ? [`fps=fps=${rate.numerator}/${rate.denominator}:start_time=0`] : []),
    ...(still > 0 ? [`tpad=stop_mode=clone:stop_duration=${still.toFixed(3)}`] : []),
    ...(largest && canToneMap(probe.video, filters) ? toneMap(probe.video, largest) : []),
  ];
}

/** A time stamp that leaps far past the end is drawn back: the gap before it would be filled, were it of years. */
function withoutLeaps(job: EncodeJob): string {
  const expected = expectedSeconds(job);
  const end = (expected + toleratedSeconds(expected) + 1).toFixed(3);
  return `'if(gt(T,${end}),${end}/TB,PTS)'`;
}

/** So long the last picture stays, for sound that ends later. */
export function stillSeconds({ probe, filters }: Pick<EncodeJob, 'probe' | 'filters'>): number {
  const { video, audio } = probe;
  if (!filters.has('tpad') || !video.durationSeconds || !audio?.durationSeconds) return 0;
  const still = audio.durationSeconds - video.durationSeconds;
  return still > STILL_FROM_SECONDS ? still : 0;
}

function canToneMap(video: VideoTrack, filters: ReadonlySet<string>): boolean {
  return HDR_TRANSFERS.has(video.color.transfer) && filters.has('zscale') && filters.has('tonemap');
}

/** Scales down first: this arithmetic is in floating point and costs more than the encoder. */
function toneMap(video: VideoTrack, largest: Rendition): string[] {
  return [
    `scale=${largest.width}:${largest.height}`,
    `zscale=tin=${video.color.transfer}:min=bt2020nc:pin=bt2020:rin=tv:t=linear:npl=100`,
    'format=gbrpf32le',
    'zscale=p=bt709',
    'tonemap=tonemap=hable:desat=0',
    'zscale=t=bt709:m=bt709:r=tv',
    'format=yuv420p',
  ];
}

/** Wide-gamut and RGB pictures become BT.709; the others keep the matrix they have, which costs nothing. */
function conversion(video: VideoTrack): string {
  const { matrix, transfer } = video.color;
  if (HDR_TRANSFERS.has(transfer)) return '';
  if (matrix.startsWith('bt2020')) return ':in_color_matrix=bt2020:out_color_matrix=bt709';
  return isRgb(video) ? ':out_color_matrix=bt709' : '';
}

const isRgb = (video: VideoTrack): boolean =>
  /^(?:gbr|rgb|bgr|argb|abgr|0rgb|0bgr|pal8)/.test(video.pixelFormat);

function colorArguments(video: VideoTrack): string[] {
  const { matrix, primaries, transfer } = video.color;
  const known = matrix !== '' && matrix !== 'unknown';
  const converted = HDR_TRANSFERS.has(transfer) || conversion(video) !== '';
  const tags = converted
    ? { colorspace: 'bt709', color_primaries: 'bt709', color_trc: 'bt709' }
    : { ...(known && { colorspace: matrix, color_primaries: primaries, color_trc: transfer }) };
  const usual = /^(?:bt709|bt470bg|smpte170m|bt470m|smpte240m)$/;
  return Object.entries({ ...tags })
    .filter(([, value]) => usual.test(value))
    .flatMap(([name, value]) => [`-${name}`, value])
    .concat('-color_range', 'tv');
}

/** Starts at zero, fills gaps, and lasts as long as the picture: a player waits for ever for a track that ends early. */
function soundFilters({ durationSeconds }: Pick<VideoTrack, 'durationSeconds'>): string {
  // In whole milliseconds: a file and those who report of it do not round the same.
  const milliseconds = durationSeconds ? Math.ceil(Math.round(1e4 * durationSeconds) / 10) : 0;
  const pad = milliseconds > 0 ? `,apad=whole_len=${(milliseconds * SAMPLE_RATE) / 1000}` : '';
  return `aresample=${SAMPLE_RATE}:async=1000:first_pts=0${pad},atrim=start_sample=${PRIMING_SAMPLES},asetpts=PTS-STARTPTS`;
}

/** Where each group begins, in frames. The first is cut in half: so much sooner can somebody watch. */
const keyFrames = (group: number): string =>
  `expr:gte(n,if(lt(n_forced,2),n_forced*${Math.max(1, Math.floor(group / 2))},${group}*(n_forced-1)))`;

const isLarge = ({ width, height }: Rendition): boolean => Math.min(width, height) >= LARGE_SIDE;

function outputArguments(output: {
  job: EncodeJob;
  rendition: Rendition;
  place: number;
  threads: string;
}): string[] {
  const { job, rendition, place, threads } = output;
  const group = Math.max(1, Math.round(GROUP_SECONDS * toNumber(rendition.frameRate)));
  const { cuts = [] } = job;
  return [
    ...['-map', `[v${place}]`, '-an', ...ANONYMOUS, ...NO_MESSAGES],
    ...['-t', String(job.limits.maxDurationSeconds + 1)],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-tune', 'ssim', '-motion-est', 'dia'],
    ...['-b_strategy', '0', '-rc-lookahead', String(LOOKAHEAD_FRAMES)],
    ...['-partitions', PARTITIONS[isLarge(rendition) ? 'large' : 'small']],
    ...['-threads', isLarge(rendition) ? threads : '1'],
    ...['-profile:v', 'high', '-crf', String(rendition.crf)],
    ...['-maxrate', `${rendition.maxrate}k`, '-bufsize', `${rendition.bufsize}k`],
    ...['-g', String(group), '-keyint_min', '1', '-sc_threshold', '0'],
    ...[
      '-force_key_frames',
      cuts.length > 0 ? cuts.map((time) => time.toFixed(3)).join(',') : keyFrames(group),
    ],
    ...['-flags:v', '+cgop+bitexact', ...colorArguments(job.probe.video)],
    ...['-f', 'mp4', '-movflags', PICTURE_FRAGMENTS, '-flush_packets', '1', `${rendition.name}.mp4`],
  ];
}
