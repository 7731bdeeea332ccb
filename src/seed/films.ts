// Two short films: layers of drawings that move at their own speed, by whole pixels a frame, under a soft sound.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ffmpeg } from '../platform/ffmpeg/find.ts';
import { runFfmpeg } from '../platform/ffmpeg/run.ts';
import { renderDrawing } from '../platform/pictures/drawings.ts';
import { drawTown } from './landscapes.ts';
import { createRandom } from './random.ts';
import {
  circle,
  drawing,
  fir,
  glow,
  gradient,
  mix,
  rect,
  ridge,
  ruggedLine,
  type Size,
  softLine,
} from './shapes.ts';

interface Film extends Size {
  seconds: number;
  /** The first fills the picture and stands still. */
  layers: readonly [Layer, ...Layer[]];
  /** An ffmpeg source and what makes it soft. */
  sound: string;
}

interface Layer {
  svg: string;
  /** Where its corner is in frame `n`, as ffmpeg's `overlay` takes it. */
  x: string;
  y: string;
}

export type FilmName = keyof typeof films;

const FRAMES_A_SECOND = 30;
const LIMITS = { wallMs: 300_000, cpuSeconds: 600, memoryBytes: 3 * 2 ** 30, outputBytes: 200 * 2 ** 20 };

const films = {
  /** Hills from the window of a train. */
  train: (): Film => {
    const [width, height, seconds] = [1280, 720, 14];
    const frames = seconds * FRAMES_A_SECOND;
    return {
      ...{ width, height, seconds },
      layers: [
        { svg: drawEvening({ width, height }), x: '0', y: '0' },
        { svg: drawHills({ width: width + frames, height, kind: 'far' }), x: '-n', y: '0' },
        { svg: drawHills({ width: width + 3 * frames, height, kind: 'middle' }), x: '-3*n', y: '0' },
        { svg: drawHills({ width: width + 9 * frames, height, kind: 'near' }), x: '-9*n', y: '0' },
      ],
      sound:
        'anoisesrc=color=brown:seed=7:amplitude=0.6:sample_rate=48000,lowpass=f=240,tremolo=f=1.8:d=0.45,volume=0.7',
    };
  },
  /** Snow over a town, upright as a phone films it. */
  snow: (): Film => {
    const [width, height, seconds] = [720, 1280, 10];
    const snow = (seed: number, flakes: { count: number; r: number }): string =>
      drawSnow({ ...{ width, height, seed }, ...flakes });
    return {
      ...{ width, height, seconds },
      layers: [
        { svg: drawTown({ width, height, seed: 31, moon: false }), x: '0', y: '0' },
        { svg: snow(1, { count: 190, r: 1.7 }), x: '0', y: `mod(2*n,${height})-${height}` },
        { svg: snow(2, { count: 110, r: 2.8 }), x: '0', y: `mod(3*n,${height})-${height}` },
        { svg: snow(3, { count: 46, r: 4.6 }), x: '0', y: `mod(5*n,${height})-${height}` },
      ],
      sound:
        'anoisesrc=color=pink:seed=3:amplitude=0.25:sample_rate=48000,lowpass=f=700,tremolo=f=0.2:d=0.6,volume=0.5',
    };
  },
};

/** An MP4 with sound. Throws FfmpegFailed. */
export async function makeFilm(ffmpeg: Ffmpeg, name: FilmName): Promise<Buffer> {
  const film = films[name]();
  const folder = await mkdtemp(join(tmpdir(), 'veranda-film-'));
  try {
    for (const [index, { svg }] of film.layers.entries())
      await writeFile(join(folder, `${index}.png`), await renderDrawing(svg));
    await runFfmpeg({
      ...{ ffmpeg, cwd: folder, limits: LIMITS },
      program: 'ffmpeg',
      args: filmArguments(film),
      readable: [],
    });
    return await readFile(join(folder, 'film.mp4'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function filmArguments({ layers, seconds, sound }: Film): string[] {
  const frames = seconds * FRAMES_A_SECOND;
  const inputs = layers.flatMap((_, index) => ['-framerate', String(FRAMES_A_SECOND), '-i', `${index}.png`]);
  // Each layer is decoded once and repeated from memory.
  const repeated = layers.map(
    (_, index) =>
      `[${index}:v]format=${index === 0 ? 'yuv420p' : 'yuva420p'},loop=loop=${frames}:size=1:start=0[layer${index}]`,
  );
  const laid = layers
    .slice(1)
    .map(
      ({ x, y }, index) =>
        `[${index === 0 ? 'layer0' : `laid${index}`}][layer${index + 1}]overlay=x='${x}':y='${y}'[laid${index + 1}]`,
    );
  const heard = `${sound},afade=t=in:d=1.5,afade=t=out:st=${seconds - 2}:d=2[sound]`;
  return [
    ...['-hide_banner', '-loglevel', 'error', '-y', ...inputs],
    ...['-filter_complex', [...repeated, ...laid, heard].join(';')],
    ...['-map', `[laid${layers.length - 1}]`, '-map', '[sound]', '-t', String(seconds)],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p'],
    ...['-c:a', 'aac', '-b:a', '96k', '-movflags', '+faststart', 'film.mp4'],
  ];
}

function drawEvening({ width, height }: Size): string {
  const sun = { x: width * 0.68, y: height * 0.36 };
  return drawing({ width, height }, [
    `<defs>${gradient('sky', ['#5b83b5', '#f0b98d', '#ffe3b8'])}${glow('glow', { colour: '#fff3cf', opacity: 0.9 })}</defs>`,
    rect({ x: 0, y: 0, width, height, fill: 'url(#sky)' }),
    circle({ ...sun, r: height * 0.45, fill: 'url(#glow)' }),
    circle({ ...sun, r: height * 0.07, fill: '#fff3cf' }),
  ]);
}

function drawHills({ width, height, kind }: Size & { kind: 'far' | 'middle' | 'near' }): string {
  const random = createRandom({ far: 21, middle: 22, near: 23 }[kind]);
  if (kind === 'far') {
    const points = ruggedLine(random, { width, y: height * 0.5, height: height * 0.26 });
    return drawing({ width, height }, [ridge({ points, bottom: height, fill: '#8d8fae' })]);
  }
  const ground = kind === 'middle' ? '#5f7f68' : '#24402f';
  const y = height * (kind === 'middle' ? 0.68 : 0.9);
  const points = softLine(random, { width, y, height: height * 0.09, waves: Math.round(width / 900) });
  const firs = points
    .filter(() => random.next() < 0.16)
    .map(([x, top]) => {
      const tall = height * random.between(0.06, 0.16) * (kind === 'middle' ? 1 : 1.8);
      return fir({ x, y: top + 6, height: tall, fill: mix(ground, '#10241c', random.between(0.2, 0.6)) });
    });
  return drawing({ width, height }, [...firs, ridge({ points, bottom: height, fill: ground })]);
}

/** Twice the height, with the same flakes above each other, so that it can fall without an end. */
function drawSnow({
  width,
  height,
  seed,
  count,
  r,
}: Size & { seed: number; count: number; r: number }): string {
  const random = createRandom(seed);
  const flakes = Array.from({ length: count }, () => ({
    x: random.between(0, width),
    y: random.between(0, height),
    r: r * random.between(0.6, 1.2),
    fill: '#ffffff',
    opacity: random.between(0.5, 0.95),
  }));
  return drawing(
    { width, height: 2 * height },
    flakes.flatMap((flake) => [circle(flake), circle({ ...flake, y: flake.y + height })]),
  );
}
