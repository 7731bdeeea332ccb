// Clips as phones and cameras send them, made of a real film: four windows of it, each at its own place and time, in native
// pixels and three times as fast, for it has only ten frames a second.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findTools } from '../test/support/tools.ts';

export interface Clip {
  directory: string;
  name: string;
  width: number;
  height: number;
  seconds: number;
  /** H.264 in MP4 with a key frame every two seconds, or the same in Matroska with few of them. */
  copyable: boolean;
}

const FILM = { width: 768, height: 576 };

export async function makeClip(clip: Clip): Promise<string> {
  const { ffmpeg, film } = findTools();
  const path = join(clip.directory, clip.copyable ? clip.name : clip.name.replace(/mp4$/, 'mkv'));
  const [width, height] = [clip.width / 2, clip.height / 2];
  const [right, down] = [Math.max(0, FILM.width - width), Math.max(0, FILM.height - height)];
  const windows = [0, 1, 2, 3].map((place) => {
    const crop = `crop=${Math.min(width, FILM.width)}:${Math.min(height, FILM.height)}:${place % 2 ? right : 0}:${place > 1 ? down : 0}`;
    return `[${place}:v]setpts=PTS/3,fps=30,${crop},scale=${width}:${height},setsar=1[w${place}]`;
  });
  const graph = `${windows.join(';')};[w0][w1]hstack[up];[w2][w3]hstack[low];[up][low]vstack[v]`;
  const inputs = [0, 6, 12, 19].flatMap((start) => ['-stream_loop', '2', '-ss', String(start), '-i', film]);
  const groups = clip.copyable ? ['-g', '60'] : ['-g', '250'];
  await promisify(execFile)(ffmpeg, [
    ...[
      '-nostdin',
      '-v',
      'error',
      '-y',
      ...inputs,
      '-f',
      'lavfi',
      '-i',
      'anoisesrc=color=pink:amplitude=0.2',
    ],
    ...['-filter_complex', graph, '-map', '[v]', '-map', '4:a', '-t', String(clip.seconds)],
    ...['-c:v', 'libx264', '-preset', 'fast', '-crf', '20', '-maxrate', '4300k', '-bufsize', '8600k'],
    ...[...groups, '-pix_fmt', 'yuv420p', '-c:a', 'aac', '-b:a', '128k', path],
  ]);
  return path;
}
