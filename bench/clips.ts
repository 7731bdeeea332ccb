// Clips as phones and cameras send them, made of four real films in their own pixels, side by side: people who cross a square,
// an animated film, and two things that a hand holds before a camera. `scripts/install-tools.sh --films` fetches them.
import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
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

const FOLDERS = ['/usr/local/share/veranda-tests', '/usr/share/doc/opencv-doc/examples/data'];
const TILE = { width: 640, height: 360 };
/** `square` has ten frames a second of a slow walk: three times as fast it moves as a film does. */
const FILMS = {
  square: { file: 'vtest.avi', width: 768, height: 576, speed: 3 },
  drawn: { file: 'Megamind.avi', width: 720, height: 528, speed: 1 },
  box: { file: 'box.mp4', width: 640, height: 480, speed: 1 },
  cup: { file: 'cup.mp4', width: 640, height: 480, speed: 1 },
};
/** Each with the second at which it begins. */
const SCENES = [
  ...(['square', 'drawn', 'box', 'cup'] as const).map((film) => ({ film, from: 0 })),
  ...[
    { film: 'square' as const, from: 9 },
    { film: 'box' as const, from: 5 },
  ],
  ...[
    { film: 'square' as const, from: 18 },
    { film: 'drawn' as const, from: 4 },
  ],
  { film: 'cup' as const, from: 3 },
];

/** As many tiles as fill it. */
export async function makeClip(clip: Clip): Promise<string> {
  const { ffmpeg } = findTools();
  const path = join(clip.directory, clip.copyable ? clip.name : clip.name.replace(/mp4$/, 'mkv'));
  const columns = Math.max(1, Math.round(clip.width / TILE.width));
  const rows = Math.max(1, Math.round(clip.height / TILE.height));
  const tile = { width: clip.width / columns, height: clip.height / rows };
  const scenes = Array.from({ length: columns * rows }, (_, place) => sceneAt(place));
  const inputs = await Promise.all(
    scenes.map(async ({ film, from }) => ['-stream_loop', '40', '-ss', String(from), '-i', await find(film)]),
  );
  const cuts = scenes.map(({ film }, place) => `[${place}:v]${cut(film, tile, place)}[t${place}]`);
  const lines = Array.from({ length: rows }, (_, row) => {
    const tiles = scenes.slice(row * columns, (row + 1) * columns).map((_, at) => `[t${row * columns + at}]`);
    return `${tiles.join('')}${columns > 1 ? `hstack=${columns}` : 'null'}[r${row}]`;
  });
  const whole = `${lines.map((_, row) => `[r${row}]`).join('')}${rows > 1 ? `vstack=${rows}` : 'null'}[v]`;
  const groups = clip.copyable ? ['-g', '60'] : ['-g', '250'];
  const rate = Math.round((clip.width * clip.height * 4300) / (1280 * 720));
  await promisify(execFile)(ffmpeg, [
    ...['-nostdin', '-v', 'quiet', '-y', ...inputs.flat()],
    ...['-f', 'lavfi', '-i', 'anoisesrc=color=pink:amplitude=0.2'],
    ...['-filter_complex', [...cuts, ...lines, whole].join(';'), '-map', '[v]', '-map', `${scenes.length}:a`],
    ...['-t', String(clip.seconds), '-c:v', 'libx264', '-preset', 'fast', '-crf', '20'],
    ...['-maxrate', `${rate}k`, '-bufsize', `${2 * rate}k`, ...groups, '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', '-ac', '2', '-b:a', '128k', path],
  ]);
  return path;
}

const sceneAt = (place: number): (typeof SCENES)[number] =>
  SCENES[place % SCENES.length] ?? { film: 'square', from: 0 };

/** A window of the film at a place of its own, in the film's pixels where it is large enough. */
function cut(name: keyof typeof FILMS, tile: { width: number; height: number }, place: number): string {
  const { width, height, speed } = FILMS[name];
  const window = { width: Math.min(width, tile.width), height: Math.min(height, tile.height) };
  const right = Math.min(width - window.width, 16 * place);
  const down = Math.min(height - window.height, 20 * place);
  const crop = `crop=${window.width}:${window.height}:${right}:${down}`;
  return `setpts=PTS/${speed},fps=30,${crop},scale=${tile.width}:${tile.height},setsar=1`;
}

async function find(name: keyof typeof FILMS): Promise<string> {
  for (const folder of FOLDERS) {
    const path = join(folder, FILMS[name].file);
    const found = await access(path).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  throw new Error(`${FILMS[name].file} is needed: scripts/install-tools.sh --films fetches it.`);
}
