// What people of the journeys post: photographs and a video of a real place.

import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findTools } from '../support/tools.ts';
import { makeNaturalVideo } from '../support/videos.ts';

const run = promisify(execFile);

export interface Material extends AsyncDisposable {
  /** Twelve seconds of 1280×720 with sound, five times the classic client's pieces and a bit. */
  readonly video: string;
  /** A face's size and a landscape's, PNG and JPEG. */
  readonly portrait: string;
  readonly photo: string;
}

export async function gatherMaterial(): Promise<Material> {
  const folder = await mkdtemp(join(tmpdir(), 'veranda-material-'));
  const portrait = join(folder, 'portrait.png');
  const photo = join(folder, 'photo.jpg');
  await takePhoto(portrait, { second: 20, filter: 'crop=200:200:330:180' });
  await takePhoto(photo, { second: 48, filter: 'crop=768:512' });
  return {
    portrait,
    photo,
    video: await makeNaturalVideo(folder, 'A walk in the square.mp4'),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Whether the encoder has written a part of what it makes of a video; its scratch lies in the server's data folder. */
export async function isEncoding(dataDir: string): Promise<boolean> {
  const files = await readdir(join(dataDir, 'work'), { recursive: true }).catch(() => []);
  return files.some((file) => /\.(?:m4s|mp4)$/.test(file));
}

async function takePhoto(
  path: string,
  { second, filter }: { second: number; filter: string },
): Promise<void> {
  const { ffmpeg, film } = findTools();
  const input = ['-nostdin', '-v', 'error', '-ss', String(second), '-i', film];
  await run(ffmpeg, [...input, '-vf', filter, '-frames:v', '1', '-update', '1', '-q:v', '3', path]);
}
