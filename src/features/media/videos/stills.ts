// Pictures of fragmented files of ours, which are upright and in plain colours already. Only key frames are decoded.

import { ANONYMOUS } from './encode-arguments.ts';
import { runAlone, type Work } from './progressive.ts';

export interface Still {
  /** The fragmented file, in the work directory. */
  picture: string;
  filters: string;
  /** As ffmpeg counts that of JPEG: 2 is best, 31 worst. */
  quality: number;
  to: string;
}

const POSTER_SIDE = 1280;
/** Some key frames: past a title that fades in. */
const POSTER_FRAMES = 8;

/** The most typical of the first key frames. */
export function toPoster({ picture, to }: { picture: string; to: string }): Still {
  const fit = `scale=w='min(iw,${POSTER_SIDE})':h='min(ih,${POSTER_SIDE})':force_original_aspect_ratio=decrease`;
  return { picture, filters: `thumbnail=${POSTER_FRAMES},${fit},format=yuvj420p`, quality: 4, to };
}

/** All in one run: to start the program costs as much as to make one of them. */
export async function makeStills(work: Work, stills: readonly Still[]): Promise<void> {
  const open = ['-protocol_whitelist', 'file', '-threads', '1', '-skip_frame', 'nokey', '-f', 'mov'];
  const inputs = stills.flatMap(({ picture }) => [...open, '-i', picture]);
  const outputs = stills.flatMap(({ filters, quality, to }, place) => [
    ...['-map', `${place}:v:0`, ...ANONYMOUS, '-vf', filters, '-frames:v', '1'],
    ...['-c:v', 'mjpeg', '-q:v', String(quality), '-f', 'mjpeg', to],
  ]);
  await runAlone(work, { args: [...inputs, ...outputs], readable: [] });
}
