import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeVideoFolder } from '../../../../test/support/published-videos.ts';
import { makeVideo, testFfmpeg, type VideoRecipe } from '../../../../test/support/videos.ts';
import { SNIFF_BYTES, sniffVideo } from './containers.ts';
import { probeVideo } from './probe.ts';
import { VideoProblem, type VideoProblemCode } from './problems.ts';

const run = promisify(execFile);
/** Where the tables of samples lie, from the outside. */
const PARENTS = ['moov', 'trak', 'mdia', 'minf', 'stbl'];

let folder: string;
let small: Buffer;
beforeAll(async () => {
  folder = await makeVideoFolder();
  small = await readFile(await make({ name: 'small.mp4', width: 64, height: 64 }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const make = (recipe: Omit<VideoRecipe, 'directory'>): Promise<string> =>
  makeVideo({ directory: folder, seconds: 1, sound: 'none', ...recipe });
async function write(...parts: Buffer[]): Promise<string> {
  const path = join(folder, 'written.mp4');
  await writeFile(path, parts);
  return path;
}

const huge: [what: string, code: VideoProblemCode, make: () => Promise<string>][] = [
  [
    'a picture 16,384 pixels wide',
    'video_too_large',
    () =>
      make({
        ...{ name: 'wide.avi', width: 16_384, height: 64 },
        options: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-frames:v', '1'],
      }),
  ],
  [
    'ten hours of black in a few kilobytes',
    'video_too_long',
    async () => {
      const [blink, night] = [await make({ name: 'blink.mp4' }), join(folder, 'night.mp4')];
      const { ffmpeg } = await testFfmpeg();
      await run(ffmpeg, ['-v', 'error', '-itsscale', '36000', '-i', blink, '-c', 'copy', night]);
      return night;
    },
  ],
  ['a million tracks', 'video_too_many_tracks', () => writeTracks(1_000_000, atom('trak'))],
  ['a hundred thousand whole tracks', 'video_too_many_tracks', () => writeTracks(100_000, findAtom('trak'))],
  ['fifty million frames in one kilobyte of tables', 'video_too_complex', () => writeFrames(50_000_000)],
  ['more frames than memory holds', 'video_damaged', () => writeFrames(2 ** 31 - 1)],
];

test.each(huge)('%s: refused within five seconds', async (_, code, makeFile) => {
  const source = await makeFile();
  const begun = performance.now();
  const error = await probe(source).catch((reason: unknown) => reason);
  expect(performance.now() - begun).toBeLessThan(5_000);
  expect(error).toBeInstanceOf(VideoProblem);
  // On a slow machine its time may be over before its answer is there.
  expect([code, 'video_too_complex', 'video_interrupted']).toContain((error as VideoProblem).code);
});

test.each([
  ['five million entries that are there', 5_000_000, 5_000_000],
  ['four thousand million entries, says its head', 4_294_967_280, 30],
])('a table of %s is looked at within five seconds', async (_, said, there) => {
  const entry = words(1, 512);
  const table = atom('stts', words(0, said), Buffer.alloc(there * entry.length, entry));
  const source = await write(withTable(small, table));
  const begun = performance.now();
  await probe(source).catch((error: unknown) => expect(error).toBeInstanceOf(VideoProblem));
  expect(performance.now() - begun).toBeLessThan(5_000);
});

async function probe(source: string): Promise<unknown> {
  const container = sniffVideo((await readFile(source)).subarray(0, SNIFF_BYTES));
  if (!container) throw new Error('This is not a video.');
  return probeVideo({ ffmpeg: await testFfmpeg(), source, directory: folder, container });
}

const writeTracks = (count: number, track: Buffer): Promise<string> =>
  write(findAtom('ftyp'), atom('moov', Buffer.alloc(count * track.length, track)));

/** So many frames of one byte each in one piece, each shown for a moment. */
const writeFrames = (count: number): Promise<string> =>
  write(
    [
      atom('stsz', words(0, 1, count)),
      atom('stts', words(0, 1, count, 1)),
      atom('stsc', words(0, 1, 1, count, 1)),
    ].reduce(withTable, small),
  );

function atom(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([words(8 + body.length), Buffer.from(type), body]);
}

function words(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length);
  for (const [place, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * place);
  return bytes;
}

function findAtom(type: string): Buffer {
  const start = small.indexOf(type) - 4;
  return small.subarray(start, start + small.readUInt32BE(start));
}

/** The movie with its table of that type replaced. The index is last, so no offset moves. */
function withTable(movie: Buffer, table: Buffer): Buffer {
  const start = movie.indexOf(table.subarray(4, 8)) - 4;
  const end = start + movie.readUInt32BE(start);
  const changed = Buffer.concat([movie.subarray(0, start), table, movie.subarray(end)]);
  let at = 0;
  for (const parent of PARENTS) {
    at = changed.indexOf(parent, at);
    changed.writeUInt32BE(changed.readUInt32BE(at - 4) + table.length - (end - start), at - 4);
  }
  return changed;
}
