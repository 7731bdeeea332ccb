// Cuts a fragmented file, which may still grow, into the segments of a stream: whole fragments, joined until they last
// long enough. The first few are short, so that playing can begin early, on a slow line as well.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LARGEST_FRAGMENT, openFragmentFile, type Fragment } from './fragment-files.ts';
import { damaged } from './problems.ts';

/** Where in its segment's file a picture lies that can be decoded alone. */
export interface KeyFrame {
  offset: number;
  bytes: number;
  /** Until the next one. */
  seconds: number;
}

export interface MadeSegment {
  /** The file's name in the track's folder. */
  file: string;
  init: string;
  seconds: number;
  bytes: number;
  keys: KeyFrame[];
}

export interface Cutter {
  /** What can be cut by now; with `last` all that is left. Throws VideoProblem where a segment gets too large to be held. */
  cut(last: boolean): AsyncGenerator<MadeSegment>;
  init(): Buffer | undefined;
  /** Of every fragment so far: how many there are, whether playing may begin at each, the longest, and the longest sample. */
  readonly seen: {
    count: number;
    independent: boolean;
    longestSeconds: number;
    longestSampleSeconds: number;
  };
}

export const SEGMENT_SECONDS = 4;
/** Of the first ones. */
const SHORT_SECONDS = [1, 1, 2, 2];
/** Frames and sound do not divide time evenly. */
const TOLERANCE = 0.25;
/** Less than half a frame of the fastest. */
const MOMENT = 0.008;

export interface CutterOptions {
  /** The fragmented file. */
  path: string;
  /** The track's folder; made when needed. */
  folder: string;
  /** Begins the name of every file: no two runs write the same. */
  run: string;
  /** When the segments but the last end, in seconds from the beginning, if another track settles that. */
  ends?: readonly number[] | undefined;
}

export function createCutter({ path, folder, run, ends }: CutterOptions): Cutter {
  const source = openFragmentFile(path);
  const seen = { count: 0, independent: true, longestSeconds: 0, longestSampleSeconds: 0 };
  const init = `${run}-init.mp4`;
  let waiting: Fragment[] = [];
  let made = 0;
  let at = 0;
  let begun = false;

  async function write(): Promise<MadeSegment> {
    const file = `${run}-${String(made).padStart(5, '0')}.m4s`;
    if (!begun) {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, init), source.init() ?? Buffer.alloc(0));
      begun = true;
    }
    // Not joined: a copy of all that is held would be as large again.
    await writeFile(
      join(folder, file),
      waiting.map((fragment) => fragment.bytes),
    );
    const segment = {
      file,
      init,
      seconds: totalOf(waiting),
      bytes: sizeOf(waiting),
      keys: placeKeys(waiting),
    };
    made += 1;
    waiting = [];
    return segment;
  }

  const isFull = (): boolean => {
    if (ends) return at >= (ends[made] ?? Infinity) - MOMENT;
    return totalOf(waiting) >= (SHORT_SECONDS[made] ?? SEGMENT_SECONDS) - TOLERANCE;
  };

  return {
    seen,
    init: () => source.init(),
    async *cut(last) {
      for await (const fragment of source.read()) {
        waiting.push(fragment);
        if (sizeOf(waiting) > LARGEST_FRAGMENT) throw damaged(new Error('A segment is too large.'));
        at += fragment.seconds;
        seen.count += 1;
        seen.independent &&= fragment.independent;
        seen.longestSeconds = Math.max(seen.longestSeconds, fragment.seconds);
        seen.longestSampleSeconds = Math.max(seen.longestSampleSeconds, fragment.longestSampleSeconds);
        if (isFull()) yield await write();
      }
      if (last && waiting.length > 0) yield await write();
    },
  };
}

const totalOf = (fragments: readonly Fragment[]): number =>
  fragments.reduce((sum, { seconds }) => sum + seconds, 0);

const sizeOf = (fragments: readonly Fragment[]): number =>
  fragments.reduce((sum, { bytes }) => sum + bytes.length, 0);

function placeKeys(fragments: readonly Fragment[]): KeyFrame[] {
  let offset = 0;
  return fragments.map((fragment) => {
    const key = { offset, bytes: fragment.firstSampleEnd, seconds: fragment.seconds };
    offset += fragment.bytes.length;
    return key;
  });
}
