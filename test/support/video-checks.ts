// Looks at videos in tests: what a player would find in a file or a playlist.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { testFfmpeg } from './videos.ts';

export interface FoundStream {
  codec_type: string;
  codec_name: string;
  profile: string;
  pix_fmt?: string;
  width?: number;
  height?: number;
  sample_aspect_ratio?: string;
  r_frame_rate: string;
  field_order?: string;
  color_space?: string;
  color_transfer?: string;
  channels?: number;
  sample_rate?: string;
  duration?: string;
  start_time?: string;
  tags?: Record<string, string>;
  side_data_list?: unknown[];
}

export interface FoundFile {
  streams: FoundStream[];
  format: { duration: string; tags?: Record<string, string> };
  chapters: unknown[];
}

const run = promisify(execFile);
const PLAYLIST_OPTIONS = ['-allowed_extensions', 'ALL'];

export async function inspect(path: string): Promise<FoundFile> {
  const { ffprobe } = await testFfmpeg();
  const args = ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', '-show_chapters', path];
  return JSON.parse((await run(ffprobe, [...inputOptions(path), ...args])).stdout) as FoundFile;
}

export async function findPicture(path: string): Promise<FoundStream> {
  const stream = (await inspect(path)).streams.find(({ codec_type }) => codec_type === 'video');
  if (!stream) throw new Error(`There is no picture in ${path}.`);
  return stream;
}

export async function findSound(path: string): Promise<FoundStream | undefined> {
  return (await inspect(path)).streams.find(({ codec_type }) => codec_type === 'audio');
}

/** Times of the key frames of a picture track, in seconds from the first. */
export async function keyFrames(path: string): Promise<number[]> {
  const { ffprobe } = await testFfmpeg();
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v',
    '-show_entries',
    'packet=pts_time,flags',
    '-of',
    'csv=p=0',
    path,
  ];
  const { stdout } = await run(ffprobe, [...inputOptions(path), ...args]);
  const times = stdout
    .split('\n')
    .flatMap((line) => (line.includes(',K') ? [Number(line.split(',')[0])] : []));
  const [first = 0] = times;
  return times.map((time) => Math.round((time - first) * 1000) / 1000);
}

/** Decodes everything and returns the number of frames; rejects on any complaint. */
export async function countFrames(path: string): Promise<number> {
  const { ffmpeg } = await testFfmpeg();
  const args = [
    '-v',
    'error',
    '-xerror',
    '-nostats',
    '-progress',
    'pipe:1',
    ...inputOptions(path),
    '-i',
    path,
    '-f',
    'null',
    '-',
  ];
  const { stdout, stderr } = await run(ffmpeg, args);
  if (stderr) throw new Error(stderr);
  return Number([...stdout.matchAll(/^frame=\s*(\d+)/gm)].at(-1)?.[1]);
}

/** What every coded picture hashes to, or every coded piece of sound, in the order of decoding. */
export async function hashPackets(path: string, kind: 'picture' | 'sound' = 'picture'): Promise<string[]> {
  const { ffmpeg } = await testFfmpeg();
  const pictures = ['-map', '0:v:0', '-c', 'copy', '-bsf:v', 'filter_units=remove_types=6'];
  const copy = kind === 'picture' ? pictures : ['-map', '0:a:0', '-c', 'copy'];
  const { stdout } = await run(ffmpeg, [
    ...['-v', 'error', ...inputOptions(path), '-i', path, ...copy, '-f', 'framehash', '-hash', 'md5', '-'],
  ]);
  return stdout
    .split('\n')
    .flatMap((line) => (/^\d/.test(line) ? [line.split(',').at(-1)?.trim() ?? ''] : []));
}

/** In the order of the file; times in seconds. */
export async function readPackets(path: string): Promise<{ key: boolean; shownAt: number; lasts: number }[]> {
  const { ffprobe } = await testFfmpeg();
  const entries = ['-show_entries', 'packet=pts_time,duration_time,flags', '-of', 'json'];
  const { stdout } = await run(ffprobe, ['-v', 'error', ...entries, path], { maxBuffer: 2 ** 26 });
  const { packets } = JSON.parse(stdout) as {
    packets: { pts_time: string; duration_time?: string; flags: string }[];
  };
  return packets.map(({ pts_time, duration_time = '0', flags }) => ({
    ...{ key: flags.startsWith('K'), shownAt: Number(pts_time), lasts: Number(duration_time) },
  }));
}

/** The first decoded picture, and that it could be decoded. */
export async function readFirstFrame(path: string): Promise<Record<string, unknown>> {
  const { ffprobe } = await testFfmpeg();
  const args = ['-v', 'error', '-of', 'json', '-show_frames', '-read_intervals', '%+#1', path];
  const { frames } = JSON.parse((await run(ffprobe, args)).stdout) as { frames: Record<string, unknown>[] };
  return frames[0] ?? {};
}

/** When black turns to light and when silence turns to sound, in seconds: in sync they are the same. */
export async function findFlashAndBeep(path: string): Promise<{ flash: number; beep: number }> {
  const { ffmpeg } = await testFfmpeg();
  const filters = ['-vf', 'blackdetect=d=0.1:pix_th=0.3', '-af', 'silencedetect=n=-35dB:d=0.1'];
  const { stderr } = await run(ffmpeg, [
    '-hide_banner',
    '-nostats',
    ...inputOptions(path),
    '-i',
    path,
    ...filters,
    '-f',
    'null',
    '-',
  ]);
  const read = (name: string): number => Number(new RegExp(`${name}: ?([\\d.]+)`).exec(stderr)?.[1]);
  return { flash: read('black_end'), beep: read('silence_end') };
}

/** The mean brightness of the picture's four quarters at its beginning, left to right, top to bottom. */
export async function corners(path: string): Promise<number[]> {
  const { ffmpeg } = await testFfmpeg();
  const args = [
    '-v',
    'error',
    ...inputOptions(path),
    '-i',
    path,
    '-frames:v',
    '1',
    '-vf',
    'scale=2:2:flags=area,format=gray',
    '-f',
    'rawvideo',
    '-',
  ];
  return [...(await run(ffmpeg, args, { encoding: 'buffer' })).stdout];
}

/** The luma of the top left pixel at the beginning, as it is stored. */
export async function firstLuma(path: string): Promise<number> {
  const { ffmpeg } = await testFfmpeg();
  const open = ['-v', 'error', ...inputOptions(path), '-i', path, '-frames:v', '1'];
  const { stdout } = await run(ffmpeg, [...open, '-vf', 'crop=2:2:0:0', '-f', 'rawvideo', '-'], {
    encoding: 'buffer',
  });
  return stdout.readUInt8(0);
}

/** An init segment and one media segment as a file that can be played alone. */
export async function joinSegment(segment: string, to: string): Promise<string> {
  const [run] = basename(segment).split('-');
  const init = await readFile(join(dirname(segment), `${run}-init.mp4`));
  await writeFile(to, Buffer.concat([init, await readFile(segment)]));
  return to;
}

function inputOptions(path: string): string[] {
  return path.endsWith('.m3u8') ? PLAYLIST_OPTIONS : [];
}
