// The ladder against the naive way (one default run of ffmpeg per rendition, one after the other), in one run: CPU, wall time,
// bytes, SSIM, and how long a viewer waits for the first picture.
//   node bench/video.ts [--source film.mp4] [--clips landscape,portrait,long,large] [--sizes 240,360,480,720,1080]
// Without a source, clips are made of the films of Debian's opencv-doc (scripts/install-tools.sh --films).
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { createVideoEncoder } from '../src/features/media/index.ts';
import { findFfmpeg } from '../src/platform/ffmpeg/find.ts';
import { createFolderSink } from '../test/support/published-videos.ts';
import { makeClip } from './clips.ts';
import { childrenCpuSeconds, print, row } from './processes.ts';

const { values } = parseArgs({
  options: {
    source: { type: 'string' },
    clips: { type: 'string', default: 'landscape,portrait,long,large' },
    sizes: { type: 'string', default: '240,360,480,720,1080' },
  },
});
const run = promisify(execFile);
const found = await findFfmpeg({ search: process.env['PATH'] ?? '' });
if (!found) throw new Error('ffmpeg is needed');
const ffmpeg = found;
const SIDES = values.sizes.split(',').map(Number);
const CLIPS: Record<string, { width: number; height: number; seconds: number }> = {
  landscape: { width: 1280, height: 720, seconds: 30 },
  portrait: { width: 720, height: 1280, seconds: 20 },
  long: { width: 1280, height: 720, seconds: 60 },
  large: { width: 1920, height: 1080, seconds: 20 },
};
/** In the work folder of the first step, that of the second. */
const REST = 'rest';
const work = await mkdtemp(join(tmpdir(), 'veranda-bench-'));

interface Source {
  name: string;
  path: string;
  portrait: boolean;
  sides: number[];
}

interface Measured {
  cpu: number;
  wall: number;
  bytes: number;
  /** Until the first segment of picture and sound could be fetched. */
  firstPicture: number;
  /** Until a viewer has all that the first step makes. */
  ready: { cpu: number; wall: number };
}

for (const source of await listSources()) await compare(source);
await rm(work, { recursive: true, force: true });

async function listSources(): Promise<Source[]> {
  if (values.source !== undefined)
    return [{ name: 'source', path: values.source, portrait: false, sides: SIDES }];
  const made: Source[] = [];
  for (const name of values.clips.split(',')) {
    const clip = CLIPS[name];
    if (!clip) throw new Error(`There is no clip ${name}.`);
    const short = Math.min(clip.width, clip.height);
    for (const copyable of [false, true]) {
      const kind = copyable ? 'copyable' : 'any';
      made.push({
        name: `${name}, ${kind}`,
        path: await makeClip({ ...clip, directory: work, name: `${name}-${kind}.mp4`, copyable }),
        portrait: clip.width < clip.height,
        sides: SIDES.filter((side) => side <= short),
      });
    }
  }
  return made;
}

async function compare(source: Source): Promise<void> {
  print(`\n${source.name}\n`);
  print(
    row([
      'way',
      'CPU s',
      'wall s',
      'MB',
      'first picture s',
      'CPU s to ready',
      ...source.sides.map((side) => `SSIM ${side}p`),
    ]),
  );
  print(row(['---', '---:', '---:', '---:', '---:', '---:', ...source.sides.map(() => '---:')]));
  const naive = await measure(source, { name: 'naive', encode: encodeNaively });
  const ours = await measure(source, { name: 'Veranda', encode: encodeOurs });
  const times = (one: number, other: number): string => `${(one / other).toFixed(1)} x`;
  print(
    `\nCPU of the ladder ${times(naive.cpu, ours.cpu)} less, to ready ${times(naive.cpu, ours.ready.cpu)} less; first picture after 1/${Math.round(naive.wall / ours.firstPicture)} of the naive way's time; bytes ${times(ours.bytes, naive.bytes)}`,
  );
}

type Encode = (
  source: Source,
  folder: string,
) => Promise<Pick<Measured, 'firstPicture' | 'ready'> | undefined>;

async function measure(source: Source, way: { name: string; encode: Encode }): Promise<Measured> {
  const folder = await mkdtemp(join(work, `${way.name}-`));
  const [before, begun] = [childrenCpuSeconds(), performance.now()];
  const told = await way.encode(source, folder);
  const wall = (performance.now() - begun) / 1_000;
  const cpu = childrenCpuSeconds() - before;
  const { firstPicture, ready } = told ?? { firstPicture: wall, ready: { cpu, wall } };
  const bytes = await sizeOf(folder);
  const quality: string[] = [];
  for (const side of source.sides) quality.push((await ssim(source, { folder, side })).toFixed(4));
  const figures = [
    cpu.toFixed(1),
    wall.toFixed(1),
    (bytes / 1e6).toFixed(2),
    firstPicture.toFixed(2),
    ready.cpu.toFixed(1),
  ];
  print(row([way.name, ...figures, ...quality]));
  return { cpu, wall, bytes, firstPicture, ready };
}

function scaleTo({ portrait }: Source, side: number): string {
  return portrait ? `scale=${side}:-2` : `scale=-2:${side}`;
}

async function encodeNaively(source: Source, folder: string): Promise<undefined> {
  for (const side of source.sides) {
    const rendition = join(folder, `${side}p`);
    await mkdir(rendition);
    const codecs = ['-vf', scaleTo(source, side), '-c:v', 'libx264', '-c:a', 'aac'];
    const hls = ['-hls_time', '10', '-hls_playlist_type', 'vod', join(rendition, 'playlist.m3u8')];
    await run(ffmpeg.ffmpeg, ['-v', 'error', '-i', source.path, ...codecs, ...hls]);
  }
}

async function encodeOurs(source: Source, folder: string): Promise<Pick<Measured, 'firstPicture' | 'ready'>> {
  const encoder = createVideoEncoder({ ffmpeg, sizes: source.sides, maxDurationMs: 3_600_000 });
  const sink = createFolderSink(folder);
  const [before, begun] = [childrenCpuSeconds(), performance.now()];
  const since = (): number => (performance.now() - begun) / 1_000;
  let firstPicture = 0;
  const timed: typeof sink = {
    ...sink,
    async append(track, pieces) {
      await sink.append(track, pieces);
      const kinds = new Set(sink.told.map((name) => name === 'audio'));
      if (kinds.size === 2 && firstPicture === 0) firstPicture = since();
    },
  };
  const call = { source: source.path, sink: timed, signal: new AbortController().signal };
  const first = await encoder.encodeFirst({ ...call, folder, run: 'a' });
  const ready = { cpu: childrenCpuSeconds() - before, wall: since() };
  const rest = join(folder, REST);
  await mkdir(rest);
  const restSink = createFolderSink(rest);
  const finished = sink.tracks;
  if (first.more) await encoder.encodeRest({ ...call, folder: rest, sink: restSink, run: 'b', finished });
  return { firstPicture, ready };
}

/** SSIM over all planes against the source scaled to the rendition; of a copy against itself. */
async function ssim(source: Source, { folder, side }: { folder: string; side: number }): Promise<number> {
  const scale = `${scaleTo(source, side)}:flags=bicubic`;
  // Matroska rounds times, so that a picture is doubled; without this all others would be compared with their neighbours.
  const constant = values.source === undefined ? 'fps=30:start_time=0,' : '';
  const graph = `[0:v]setpts=N/TB[a];[1:v]${constant}${scale},setpts=N/TB[b];[a][b]ssim`;
  const { stderr } = await run(
    ffmpeg.ffmpeg,
    [
      ...['-hide_banner', '-allowed_extensions', 'ALL', '-i', await findPlaylist(folder, `${side}p`)],
      ...['-i', source.path, '-lavfi', graph, '-f', 'null', '-'],
    ],
    { maxBuffer: 2 ** 26 },
  );
  return Number(/SSIM .*All:([\d.]+)/.exec(stderr)?.[1] ?? 0);
}

async function findPlaylist(folder: string, track: string): Promise<string> {
  const path = join(folder, track, 'playlist.m3u8');
  const found = await stat(path).catch(() => undefined);
  return found ? path : join(folder, REST, track, 'playlist.m3u8');
}

/** Segments and playlists; the progressive file, the poster and the work files are no part of the comparison. */
async function sizeOf(folder: string): Promise<number> {
  let total = 0;
  for (const track of [...SIDES.map((side) => `${side}p`), 'audio']) {
    for (const at of [join(folder, track), join(folder, REST, track)])
      for (const name of await readdir(at).catch(() => [])) total += (await stat(join(at, name))).size;
  }
  return total;
}
