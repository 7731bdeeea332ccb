import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder, prepareVideo } from '../../../../test/support/published-videos.ts';
import { makeVideo } from '../../../../test/support/videos.ts';
import { encodeFirst } from './encode.ts';
import type { MadeSegment } from './segments.ts';
import type { StreamTrack } from './stream.ts';
import { handOn } from './tracks.ts';

let folder: string;
let source: string;
beforeAll(async () => {
  folder = await makeVideoFolder();
  source = await makeGrouped('source.mp4', 30);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Of a plain grey, so that even key frames alone are few bytes. */
const makeGrouped = (name: string, frames: number): Promise<string> =>
  makeVideo({
    ...{ directory: folder, name, seconds: 2, sound: 'none', filters: 'drawbox=color=gray:t=fill' },
    options: ['-g', String(frames), '-sc_threshold', '0'],
  });

async function listTracks(of: string): Promise<{ name: string; copied: boolean }[]> {
  const request = await prepareVideo(folder, of, { sides: [360] });
  await encodeFirst(request);
  return request.sink.tracks.map(({ name, copied }) => ({ name, copied }));
}

describe('a picture that browsers play', () => {
  test('is copied where its key frames are a second apart', async () => {
    expect(await listTracks(source)).toEqual([{ name: '360p', copied: true }]);
  });

  test('is encoded where each of its frames is a key frame', async () => {
    const intra = await makeGrouped('intra.mp4', 1);
    expect(await listTracks(intra)).toEqual([{ name: '360p', copied: false }]);
  });

  test.each([
    ['has a group too large to be held', Buffer.from('040000016d646174', 'hex')],
    ['comes to nothing', Buffer.alloc(0)],
  ])('is encoded where the copy %s', async (_, written) => {
    const request = await prepareVideo(folder, source, { sides: [360] });
    // A copy that has been begun and wrote this.
    const ended = Promise.resolve();
    const headStart = {
      async take(args: readonly string[]) {
        if (args.at(-1) !== 'copy.mp4') return undefined;
        await writeFile(join(request.directory, 'copy.mp4'), written);
        return { ended, stopWith: () => undefined };
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const outcome = await encodeFirst({ ...request, headStart });
    expect(outcome).toMatchObject({ width: 640, height: 360 });
    expect(request.sink.tracks).toMatchObject([{ name: '360p', copied: false }]);
  });
});

test('a copied film is told of piece by piece, the first ones soonest', async () => {
  const segments: MadeSegment[] = Array.from({ length: 150 }, (_, place) => ({
    ...{ file: `${place}.m4s`, init: 'init.mp4', seconds: 4, bytes: 1, keys: [] },
  }));
  const told: { at: number; count: number }[] = [];
  const sink = {
    begin: () => undefined,
    append: async (_: StreamTrack, pieces: { at: number; segments: MadeSegment[] }) => {
      expect(pieces.segments).toEqual(segments.slice(pieces.at, pieces.at + pieces.segments.length));
      told.push({ at: pieces.at, count: pieces.segments.length });
    },
    finish: async () => void told.push({ at: 150, count: 0 }),
  };
  const track: StreamTrack = {
    ...{ name: '360p', kind: 'picture', copied: true, width: 640, height: 360, frameRate: 30, early: true },
    ...{ codecs: 'avc1.64001E', targetSeconds: 4, bandwidth: 1 },
  };
  await handOn({ sink }, { track, segments });
  expect(told).toEqual([
    { at: 0, count: 2 },
    { at: 2, count: 8 },
    { at: 10, count: 64 },
    { at: 74, count: 64 },
    { at: 138, count: 12 },
    { at: 150, count: 0 },
  ]);
});
