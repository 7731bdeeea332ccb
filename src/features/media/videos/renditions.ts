// Which sizes a video gets, and how many bits. Pure. Never above the source, sides always even.

import { chooseFrameRate, toNumber, type Fraction } from './frame-rates.ts';

export interface Rendition {
  /** Its short side, e.g. `720p`; names its folder too. Unique in a video. */
  name: string;
  width: number;
  height: number;
  frameRate: Fraction;
  /** x264's constant quality. */
  crf: number;
  /** Ceiling and buffer of the rate, kbit/s and kbit. */
  maxrate: number;
  bufsize: number;
}

export interface RenditionSource {
  /** As shown: upright, with square pixels. */
  width: number;
  height: number;
  codec: string;
  averageFrameRate?: Fraction | undefined;
  baseFrameRate?: Fraction | undefined;
  /** Of the video track, bit/s. */
  bitRate?: number | undefined;
}

export const STANDARD_SIDES = [240, 360, 480, 720, 1080];

/** A rung between two standard ones is worth its bytes from here on. */
const CLEARLY_LARGER = 1.25;
const SHORTEST = 16;
/** What H.264 decoders of browsers and phones still take. */
const LONGEST = 3840;
/** Measured to give, with the encoder's settings here, the SSIM of x264's `medium` at CRF 23; by short side. */
const QUALITY = [
  { side: 240, crf: 20.8, maxrate: 450 },
  { side: 360, crf: 21.3, maxrate: 900 },
  { side: 480, crf: 21.6, maxrate: 1600 },
  { side: 720, crf: 21.8, maxrate: 3200 },
  { side: 1080, crf: 22.1, maxrate: 6000 },
  { side: 2160, crf: 22.5, maxrate: 18_000 },
];
const LEAST_MAXRATE = 200;
/** A source's bits may have come from a better codec than H.264. */
const THRIFTY_CODECS = new Set(['hevc', 'vp9', 'av1']);

/** Smallest first. `sides` are short sides in pixels; portrait videos are measured by theirs as well. */
export function chooseRenditions(
  source: RenditionSource,
  sides: readonly number[] = STANDARD_SIDES,
): Rendition[] {
  const frameRate = chooseFrameRate({ average: source.averageFrameRate, base: source.baseFrameRate });
  const renditions = chooseSides(source, sides).map((side) => {
    const size = scale(source, side);
    const { crf, maxrate } = quality({ ...size, frames: toNumber(frameRate), source });
    const name = `${Math.min(size.width, size.height)}p`;
    return { name, ...size, frameRate, crf, maxrate, bufsize: 2 * maxrate };
  });
  // Two sides of a panorama may both end at the greatest length.
  return renditions.filter(({ name }, place) => renditions[place - 1]?.name !== name);
}

function chooseSides(source: RenditionSource, sides: readonly number[]): number[] {
  const own = Math.max(SHORTEST, even(Math.min(source.width, source.height)));
  const ordered = [...new Set(sides)].sort((a, b) => a - b);
  const fitting = ordered.filter((side) => side <= own);
  const largest = fitting.at(-1);
  if (largest === undefined) return [own];
  const between = fitting.length < ordered.length && own >= CLEARLY_LARGER * largest;
  return between ? [...fitting, own] : fitting;
}

/** The short side becomes `side`, the long one follows, unless it would be too long: then it decides. */
function scale(source: RenditionSource, side: number): { width: number; height: number } {
  const short = Math.min(source.width, source.height);
  const long = Math.max(source.width, source.height);
  const factor = Math.min(side / short, LONGEST / long);
  const fit = (length: number): number =>
    Math.max(SHORTEST, Math.min(even(length), 2 * Math.round((length * factor) / 2)));
  return { width: fit(source.width), height: fit(source.height) };
}

const even = (length: number): number => Math.floor(length / 2) * 2;

function quality(rendition: { width: number; height: number; frames: number; source: RenditionSource }): {
  crf: number;
  maxrate: number;
} {
  const { width, height, frames, source } = rendition;
  const crf = interpolate(Math.min(width, height), 'crf');
  // The table is for 16:9; other shapes get bits by their area, and twice the frames need about half as many again.
  const area = interpolate(Math.sqrt((width * height * 9) / 16), 'maxrate');
  const wanted = area * (frames > 31 ? 1.5 : 1);
  const factor = THRIFTY_CODECS.has(source.codec) ? 2.6 : 1.3;
  const useful = source.bitRate ? (source.bitRate / 1000) * factor : Infinity;
  return { crf, maxrate: Math.round(Math.max(LEAST_MAXRATE, Math.min(wanted, useful))) };
}

function interpolate(side: number, value: 'crf' | 'maxrate'): number {
  const above = QUALITY.findIndex((row) => row.side >= side);
  const upper = QUALITY[above] ?? QUALITY.at(-1);
  const lower = QUALITY[above - 1];
  if (!upper) return 0;
  if (above < 0) return upper[value];
  if (!lower) return value === 'crf' ? upper.crf : upper.maxrate * (side / upper.side) ** 2;
  return lower[value] + ((upper[value] - lower[value]) * (side - lower.side)) / (upper.side - lower.side);
}
