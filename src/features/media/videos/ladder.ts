// Which tracks a video gets, and in what order. Pure: a run that goes on where another was killed comes to the same.
//
//   copied   the picture as it came, where browsers play it: the top rendition, there at once
//   first    the rendition to begin with, 360p or the nearest, and the sound
//   rest     all others, made of one decode when there is time

import { canCopyToStream } from './copying.ts';
import type { VideoContainer } from './containers.ts';
import type { VideoProbe, VideoTrack } from './probe-report.ts';
import { chooseFrameRate } from './frame-rates.ts';
import { chooseRenditions, type Rendition } from './renditions.ts';

export interface Ladder {
  copied?: Rendition | undefined;
  first: Rendition[];
  rest: Rendition[];
}

const FIRST_SIDE = 360;
/** A rendition as large as this share of the copied one tells nothing new. */
const TOO_NEAR = 0.8;
/** Cameras' 1080p may be stored with 1088 lines. */
const NEARLY = 1.01;

export function chooseLadder(source: {
  probe: VideoProbe & { video: VideoTrack };
  container: VideoContainer;
  sides: readonly number[];
  /** False: it was tried, and its pictures lie badly. */
  mayCopy: boolean;
}): Ladder {
  const { probe, sides, mayCopy } = source;
  const { video } = probe;
  const encoded = chooseRenditions(video, sides);
  const copies = mayCopy && canCopyToStream(source, NEARLY * Math.max(...sides));
  const copied = copies ? asItCame(video) : undefined;
  const others = copied ? encoded.filter((other) => sideOf(other) < TOO_NEAR * sideOf(copied)) : encoded;
  const first = others.find((other) => sideOf(other) >= FIRST_SIDE) ?? (copied ? undefined : others.at(-1));
  return { copied, first: first ? [first] : [], rest: others.filter((other) => other !== first) };
}

function asItCame(video: VideoTrack): Rendition {
  const { width, height } = video;
  const frameRate = chooseFrameRate({ average: video.averageFrameRate, base: video.baseFrameRate });
  const maxrate = Math.ceil((2 * (video.bitRate ?? 0)) / 1000);
  return { name: `${Math.min(width, height)}p`, width, height, frameRate, crf: 0, maxrate, bufsize: 0 };
}

const sideOf = ({ width, height }: Rendition): number => Math.min(width, height);
