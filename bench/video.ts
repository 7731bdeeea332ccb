// The ladder against the naive way (one default run of ffmpeg per rendition), in one run: CPU, wall time, bytes, SSIM.
//   node bench/video.ts [--source film.mp4] [--rounds 1]
// Take a film: what is made up for want of one is nothing like it.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { createVideoEncoder } from '../src/features/media/index.ts';
import { findFfmpeg } from '../src/platform/ffmpeg/find.ts';
import { makeNaturalVideo } from '../test/support/videos.ts';
import { childrenCpuSeconds, print, row } from './processes.ts';

const { values } = parseArgs({
  options: { source: { type: 'string' }, rounds: { type: 'string', default: '1' } },
});
const run = promisify(execFile);
const ffmpeg = await findFfmpeg({ search: process.env['PATH'] ?? '' });
if (!ffmpeg) throw new Error('ffmpeg is needed');
const program = ffmpeg.ffmpeg;
const work = await mkdtemp(join(tmpdir(), 'veranda-bench-'));
const source = values.source ?? (await makeNaturalVideo(work));
const SIDES = [360, 720];

print(row(['way', 'CPU s', 'wall s', 'MB', ...SIDES.map((side) => `SSIM ${side}p`)]));
print(row(['---', '---:', '---:', '---:', ...SIDES.map(() => '---:')]));
for (let round = 0; round < Number(values.rounds); round += 1) {
  const naive = await measure('naive', encodeNaively);
  const ours = await measure('Veranda', encodeOurs);
  print(`\nCPU ${(ours.cpu / naive.cpu).toFixed(2)} ×, bytes ${(ours.bytes / naive.bytes).toFixed(2)} ×\n`);
}
await rm(work, { recursive: true, force: true });

interface Measured {
  cpu: number;
  bytes: number;
}

async function measure(name: string, encode: (folder: string) => Promise<void>): Promise<Measured> {
  const folder = await mkdtemp(join(work, `${name}-`));
  const before = childrenCpuSeconds();
  const begun = performance.now();
  await encode(folder);
  const wall = (performance.now() - begun) / 1_000;
  const cpu = childrenCpuSeconds() - before;
  const bytes = await sizeOf(folder);
  const quality: string[] = [];
  for (const side of SIDES)
    quality.push((await ssim(join(folder, `${side}p`, 'playlist.m3u8'), side)).toFixed(4));
  print(row([name, cpu.toFixed(1), wall.toFixed(1), (bytes / 1e6).toFixed(2), ...quality]));
  return { cpu, bytes };
}

async function encodeNaively(folder: string): Promise<void> {
  for (const side of SIDES) {
    const rendition = join(folder, `${side}p`);
    await mkdir(rendition);
    const scale = ['-vf', `scale=-2:${side}`, '-c:v', 'libx264', '-c:a', 'aac'];
    const hls = ['-hls_time', '10', '-hls_playlist_type', 'vod', join(rendition, 'playlist.m3u8')];
    await run(program, ['-v', 'error', '-i', source, ...scale, ...hls]);
  }
}

async function encodeOurs(folder: string): Promise<void> {
  if (!ffmpeg) return;
  const encoder = createVideoEncoder({ ffmpeg, sizes: SIDES, maxDurationMs: 3_600_000 });
  await encoder.encode({ source, folder, signal: new AbortController().signal });
}

/** SSIM over all planes against the source scaled to the rendition. */
async function ssim(playlist: string, side: number): Promise<number> {
  const graph = `[0:v]setpts=N/TB[a];[1:v]scale=-2:${side}:flags=bicubic,setpts=N/TB[b];[a][b]ssim`;
  const args = [
    '-hide_banner',
    '-allowed_extensions',
    'ALL',
    '-i',
    playlist,
    '-i',
    source,
    '-lavfi',
    graph,
    '-f',
    'null',
    '-',
  ];
  const { stderr } = await run(program, args, { maxBuffer: 2 ** 26 });
  return Number(/SSIM .*All:([\d.]+)/.exec(stderr)?.[1] ?? 0);
}

/** Segments and playlists; the progressive file and the poster are no part of the comparison. */
async function sizeOf(folder: string): Promise<number> {
  let total = 0;
  for (const side of SIDES) {
    const rendition = join(folder, `${side}p`);
    for (const name of await readdir(rendition)) total += (await stat(join(rendition, name))).size;
  }
  return total;
}
