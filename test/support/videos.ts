// Makes videos with ffmpeg for tests, the same on every machine. A moving fractal with noise stands in for natural pictures.

import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { findFfmpeg, type Ffmpeg } from '../../src/platform/ffmpeg/find.ts';
import { knownFfmpeg } from './tools.ts';

export interface VideoRecipe {
  /** Where the file goes. */
  directory: string;
  /** Its ending chooses the container. */
  name?: string;
  width?: number;
  height?: number;
  seconds?: number;
  frameRate?: string | number;
  picture?: 'natural' | 'pattern' | 'none';
  sound?: 'none' | 'mono' | 'stereo' | '5.1';
  /** How far a player has to turn the picture, clockwise, to show it upright. MP4 and MOV only. */
  rotation?: 0 | 90 | 180 | 270;
  /** More filters, in ffmpeg's words, after size and frame rate. */
  filters?: string;
  /** More options for the output, the last word over the ones set here. */
  options?: string[];
}

const run = promisify(execFile);
/** Rotation matrices of a track header, 16.16 fixed point: a, b, c, d. */
const TURNS = { 0: [1, 0, 0, 1], 90: [0, 1, -1, 0], 180: [-1, 0, 0, -1], 270: [0, -1, 1, 0] };

let known: Promise<Ffmpeg> | undefined;

/** The system's ffmpeg, or the one from npm. */
export async function testFfmpeg(): Promise<Ffmpeg> {
  known ??= find();
  return known;
}

async function find(): Promise<Ffmpeg> {
  const found = knownFfmpeg() ?? (await findFfmpeg({ search: process.env['PATH'] ?? '' }));
  if (!found) throw new Error('These tests need ffmpeg.');
  return found;
}

/** The one from npm, whatever the system has. */
export async function bundledFfmpeg(): Promise<Ffmpeg | undefined> {
  const found = await findFfmpeg({ search: '/nonexistent' });
  const { sandbox } = await testFfmpeg();
  return found?.bundled ? { ...found, sandbox } : undefined;
}

/** Resolves with the path of the file. In a run of tests, what has been made once is copied. */
export async function makeVideo(recipe: VideoRecipe): Promise<string> {
  const path = join(recipe.directory, recipe.name ?? 'video.mp4');
  const args = argumentsOf(recipe);
  const shelf = process.env['TEST_VIDEOS'];
  if (shelf === undefined) {
    await make(path, { args, recipe });
    return path;
  }
  const digest = createHash('sha256').update(JSON.stringify([args, recipe.rotation]));
  const kept = join(shelf, digest.digest('hex') + extname(path));
  if (await copyIfThere(kept, path)) return path;
  const made = join(shelf, randomUUID() + extname(path));
  await make(made, { args, recipe });
  await rename(made, kept);
  await copyFile(kept, path);
  return path;
}

async function make(path: string, { args, recipe }: { args: string[]; recipe: VideoRecipe }): Promise<void> {
  const { ffmpeg } = await testFfmpeg();
  await run(ffmpeg, [...args, path]);
  if (recipe.rotation) await turn(path, recipe.rotation);
}

async function copyIfThere(from: string, to: string): Promise<boolean> {
  return copyFile(from, to).then(
    () => true,
    () => false,
  );
}

function argumentsOf(recipe: VideoRecipe): string[] {
  const { seconds = 2, picture = 'pattern', sound = 'stereo', options = [] } = recipe;
  return [
    ...[
      '-nostdin',
      '-v',
      'error',
      '-y',
      ...(picture === 'none' ? [] : pictureInput(picture)),
      ...soundInput(sound),
    ],
    ...(picture === 'none'
      ? []
      : ['-vf', pictureFilters(recipe), '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p']),
    ...(sound === 'none' ? [] : ['-c:a', 'aac', '-b:a', '96k']),
    ...['-t', String(seconds), ...options],
  ];
}

/** What a phone sends: 12 s of 1280×720 at 30 frames with sound, several MiB of H.264 and AAC in an MP4. */
export async function makeNaturalVideo(directory: string, name = 'natural.mp4'): Promise<string> {
  const options = [
    '-preset',
    'veryfast',
    '-crf',
    '15',
    '-g',
    '60',
    '-b:a',
    '128k',
    '-movflags',
    '+faststart',
  ];
  return makeVideo({
    directory,
    name,
    width: 1280,
    height: 720,
    seconds: 12,
    frameRate: 30,
    picture: 'natural',
    options,
  });
}

/** The file's first half. */
export async function cutFile(path: string, to: string, share = 0.5): Promise<string> {
  const bytes = await readFile(path);
  await writeFile(to, bytes.subarray(0, Math.floor(bytes.length * share)));
  return to;
}

function pictureInput(picture: 'natural' | 'pattern'): string[] {
  if (picture === 'pattern') return ['-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=60'];
  return ['-f', 'lavfi', '-i', 'mandelbrot=size=768x576:rate=10,noise=alls=8:allf=t'];
}

function soundInput(sound: NonNullable<VideoRecipe['sound']>): string[] {
  if (sound === 'none') return ['-an'];
  const layouts = { mono: 'mono', stereo: 'stereo', '5.1': '5.1' };
  const tones = { mono: 1, stereo: 2, '5.1': 6 };
  const voices = Array.from(
    { length: tones[sound] },
    (_, voice) => `0.1*sin(${880 * (voice + 1)}*PI*t)+0.02*(random(${voice})-0.5)`,
  );
  return [
    '-f',
    'lavfi',
    '-i',
    `aevalsrc=exprs=${voices.join('|')}:channel_layout=${layouts[sound]}:sample_rate=44100`,
  ];
}

function pictureFilters(recipe: VideoRecipe): string {
  const { width = 640, height = 360, frameRate = 30, picture = 'pattern', filters } = recipe;
  // The film has ten frames a second of a slow walk: three times as fast it moves as a phone's does.
  const natural =
    picture === 'natural' ? ['crop=w=min(iw\\,ih*16/9):h=min(ih\\,iw*9/16)', 'setpts=PTS/3'] : [];
  const shape = [`fps=${frameRate}`, `scale=${width}:${height}`, 'setsar=1'];
  return [...natural, ...shape, ...(filters ? [filters] : [])].join(',');
}

/** Writes the matrix into the picture's track header, as cameras do; versions of ffmpeg disagree on how to be asked for it. */
async function turn(path: string, rotation: keyof typeof TURNS): Promise<void> {
  const bytes = await readFile(path);
  const header = bytes.indexOf('tkhd');
  const [a = 1, b = 0, c = 0, d = 1] = TURNS[rotation];
  const matrix = header + 44;
  for (const [place, value] of [a, b, 0, c, d, 0].entries())
    bytes.writeInt32BE(value * 0x1_00_00, matrix + 4 * place);
  await writeFile(path, bytes);
}
