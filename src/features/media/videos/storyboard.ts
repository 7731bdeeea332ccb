// Small pictures of a video's course on one sheet, and a list in WebVTT of which one belongs to which time: what a player
// shows while somebody looks for a place.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Work } from './progressive.ts';
import type { Still } from './stills.ts';

export interface Storyboard {
  sheet: string;
  list: string;
}

export interface Course {
  /** A fragmented file of ours. */
  picture: string;
  size: { width: number; height: number };
  seconds: number;
}

const MOST_PICTURES = 100;
const COLUMNS = 10;
const SIDE = 160;
/** The distance of key frames. */
const SHORTEST_SECONDS = 2;

export function toSheet(course: Course, to: Storyboard): Still {
  const { every, count, columns, tile } = layOut(course);
  const shape = `scale=${tile.width}:${tile.height},setsar=1,format=yuvj420p`;
  const grid = `tile=${columns}x${Math.ceil(count / columns)}`;
  const filters = `setpts=PTS-STARTPTS,fps=fps=1/${every}:round=down:start_time=0,${shape},${grid}`;
  return { picture: course.picture, filters, quality: 6, to: to.sheet };
}

export async function writeSheetList(
  { directory }: Pick<Work, 'directory'>,
  course: Course,
  to: Storyboard,
): Promise<void> {
  const { every, count, columns, tile } = layOut(course);
  const cues = Array.from({ length: count }, (_, place) => {
    const [start, until] = [place * every, Math.min(course.seconds, (place + 1) * every)];
    const [x, y] = [(place % columns) * tile.width, Math.floor(place / columns) * tile.height];
    const where = `${to.sheet}#xywh=${x},${y},${tile.width},${tile.height}`;
    return `${writeClock(start)} --> ${writeClock(until)}\n${where}\n`;
  });
  await writeFile(join(directory, to.list), ['WEBVTT\n', ...cues].join('\n'));
}

function layOut({ seconds, size }: Course) {
  const every = Math.max(SHORTEST_SECONDS, Math.ceil(seconds / MOST_PICTURES));
  const count = Math.min(MOST_PICTURES, Math.max(1, Math.ceil(seconds / every)));
  return { every, count, columns: Math.min(COLUMNS, count), tile: fit(size) };
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
