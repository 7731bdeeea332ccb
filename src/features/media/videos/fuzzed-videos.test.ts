import { mkdir, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom, type Random } from '../../../../test/crash/random.ts';
import { createFolderSink, makeVideoFolder } from '../../../../test/support/published-videos.ts';
import { makeVideo, testFfmpeg } from '../../../../test/support/videos.ts';
import { createVideoEncoder, type VideoEncoder } from '../video-encoder.ts';
import { VideoProblem } from './problems.ts';

/** Another text makes other mistakes, more rounds more of them. */
const SEED = process.env['FUZZ_SEED'] ?? 'videos';
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 4);

/** What people send, as small as it can be: the ending, and how it is encoded. */
const kinds: [ending: string, options: string[]][] = [
  ['mp4', []],
  ['mov', ['-c:v', 'mpeg4', '-c:a', 'pcm_s16le']],
  ['mkv', []],
  ['webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-c:a', 'libopus']],
  ['avi', ['-c:v', 'mpeg4', '-c:a', 'libmp3lame']],
  ['ts', ['-c:v', 'mpeg2video', '-c:a', 'mp2']],
  ['flv', ['-c:v', 'flv1', '-c:a', 'libmp3lame', '-ar', '44100']],
  ['wmv', ['-c:v', 'wmv2', '-c:a', 'wmav2']],
  ['ogv', ['-c:v', 'libtheora', '-c:a', 'libvorbis']],
  ['mpg', ['-c:v', 'mpeg1video', '-c:a', 'mp2', '-r', '25']],
];

let folder: string;
let encoder: VideoEncoder;
beforeAll(async () => {
  folder = await makeVideoFolder();
  encoder = createVideoEncoder({ ffmpeg: await testFfmpeg(), sizes: [96], maxDurationMs: 60_000 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const changes: ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, { int }) => {
    for (let count = 1 + int(30); count > 0; count -= 1) bytes[int(bytes.length)] = int(256);
    return bytes;
  },
  // Most of what a reader believes stands in the first bytes or the last.
  (bytes, { int, chance }) => {
    for (let count = 1 + int(8); count > 0; count -= 1)
      bytes[chance(0.5) ? int(600) : bytes.length - 1 - int(1_500)] = int(256);
    return bytes;
  },
  (bytes, { int }) => {
    bytes.writeUInt32BE([0, 0xff_ff_ff_ff, 0x7f_ff_ff_ff, 1][int(4)] ?? 0, int(bytes.length - 4));
    return bytes;
  },
  (bytes, { int, bytes: noise }) => {
    noise(1 + int(400)).copy(bytes, int(bytes.length));
    return bytes;
  },
  (bytes, { int }) => bytes.subarray(0, 64 + int(bytes.length - 64)),
  (bytes, { int }) => {
    const [from, to] = [int(bytes.length), int(bytes.length)].toSorted((one, other) => one - other);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
];

test.each(kinds)(
  '%s files with mistakes in them are published or refused in words',
  async (ending, options) => {
    const small = { width: 128, height: 96, seconds: 1, frameRate: 25, sound: 'mono' as const };
    const good = await readFile(
      await makeVideo({ directory: folder, name: `good.${ending}`, ...small, options }),
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      const seed = `${SEED} ${ending} ${round}`;
      const random = createRandom(seed);
      const source = join(folder, `bad.${ending}`);
      const work = join(folder, `${ending} ${round}`);
      await mkdir(work);
      let bytes: Buffer = Buffer.from(good);
      for (let count = 1 + random.int(2); count > 0; count -= 1)
        bytes = random.pick(changes)?.(bytes, random) ?? bytes;
      await writeFile(source, bytes);
      const sink = createFolderSink(work);
      const outcome = await encoder
        .encodeFirst({ source, folder: work, run: 'a', sink, signal: AbortSignal.timeout(60_000) })
        .catch((error: unknown) => (error instanceof Error ? error : new Error('Not an error.')));
      if (outcome instanceof Error) {
        expect(outcome, seed).toBeInstanceOf(VideoProblem);
        expect(outcome.message, seed).toMatch(/^[A-Z][A-Za-z0-9 ,]+\.$/);
        expect((outcome as VideoProblem).code, seed).not.toBe('video_aborted');
      } else {
        const tracks = sink.tracks.map(({ name }) => `${name}/playlist.m3u8`);
        for (const file of [outcome.progressive, outcome.poster, ...tracks])
          expect((await stat(join(work, file))).size, seed).toBeGreaterThan(0);
      }
      await rm(work, { recursive: true });
    }
    expect(await runningIn(folder)).toEqual([]);
  },
);

async function runningIn(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, place) => places[place]?.startsWith(directory));
}
