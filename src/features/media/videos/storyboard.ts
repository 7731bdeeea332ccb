// Small pictures of a video's course on one sheet, and a list in WebVTT of which one belongs to which time: what a player
// shows while somebody looks for a place.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ANONYMOUS } from './encode-arguments.ts';
import { runAlone, type Work } from './progressive.ts';

export interface Storyboard {
  sheet: string;
  list: string;
}

const MOST_PICTURES = 100;
const COLUMNS = 10;
const SIDE = 160;
/** The distance of key frames. */
const SHORTEST_SECONDS = 2;

export async function makeStoryboard(
  work: Work,
  from: {
    /** A fragmented file of ours. */
    picture: string;
    size: { width: number; height: number };
    seconds: number;
    to: Storyboard;
  },
): Promise<void> {
  const { picture, seconds, to } = from;
  const every = Math.max(SHORTEST_SECONDS, Math.ceil(seconds / MOST_PICTURES));
  const count = Math.min(MOST_PICTURES, Math.max(1, Math.ceil(seconds / every)));
  const tile = fit(from.size);
  const columns = Math.min(COLUMNS, count);
  const rows = Math.ceil(count / columns);
  const shape = `scale=${tile.width}:${tile.height},setsar=1,format=yuvj420p`;
  const filters = `setpts=PTS-STARTPTS,fps=fps=1/${every}:round=down:start_time=0,${shape},tile=${columns}x${rows}`;
  await runAlone(work, {
    args: [
      ...['-protocol_whitelist', 'file', '-skip_frame', 'nokey', '-f', 'mov', '-i', picture, '-an'],
      ...[
        ...ANONYMOUS,
        '-vf',
        filters,
        '-frames:v',
        '1',
        '-c:v',
        'mjpeg',
        '-q:v',
        '6',
        '-f',
        'mjpeg',
        to.sheet,
      ],
    ],
    readable: [],
  });
  const cues = Array.from({ length: count }, (_, place) => {
    const [start, until] = [place * every, Math.min(seconds, (place + 1) * every)];
    const [x, y] = [(place % columns) * tile.width, Math.floor(place / columns) * tile.height];
    const where = `${to.sheet}#xywh=${x},${y},${tile.width},${tile.height}`;
    return `${writeClock(start)} --> ${writeClock(until)}\n${where}\n`;
  });
  await writeFile(join(work.directory, to.list), ['WEBVTT\n', ...cues].join('\n'));
}

/** `01:02:03.500` */
export function writeClock(seconds: number): string {
  const milliseconds = Math.round(1000 * seconds);
  const part = (unit: number, size: number): string =>
    String(Math.floor(milliseconds / unit) % size).padStart(2, '0');
  const hours = String(Math.floor(milliseconds / 3_600_000)).padStart(2, '0');
  return `${hours}:${part(60_000, 60)}:${part(1000, 60)}.${String(milliseconds % 1000).padStart(3, '0')}`;
}

function fit({ width, height }: { width: number; height: number }): { width: number; height: number } {
  const factor = SIDE / Math.max(width, height);
  const even = (length: number): number => Math.max(2, 2 * Math.round((length * factor) / 2));
  return { width: even(width), height: even(height) };
}
