import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder, prepareVideo } from '../../../../test/support/published-videos.ts';
import { makeVideo } from '../../../../test/support/videos.ts';
import { encodeFirst, type EncodeRequest } from './encode.ts';
import { beginEarly, type HeadStart } from './head-start.ts';
import { defaultVideoLimits } from './limits.ts';
import { readMovieIndex } from './movie-index.ts';

let folder: string;
let source: string;
beforeAll(async () => {
  folder = await makeVideoFolder();
  const options = ['-preset', 'veryfast', '-crf', '28', '-g', '60', '-sc_threshold', '0'];
  source = await makeVideo({ directory: folder, seconds: 3, options });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the index of an MP4 file', () => {
  test('tells of its tracks, at whichever end of the file it stands', async () => {
    const front = await makeVideo({
      ...{ directory: folder, name: 'front.mp4', seconds: 1, sound: 'none' },
      options: ['-movflags', '+faststart'],
    });
    expect(await readMovieIndex(source)).toEqual([
      { index: 0, kind: 'picture', format: 'avc1', isStereoAac: false, seconds: 3 },
      { index: 1, kind: 'sound', format: 'mp4a', isStereoAac: true, seconds: expect.closeTo(3, 1) },
    ]);
    expect(await readMovieIndex(front)).toEqual([
      { index: 0, kind: 'picture', format: 'avc1', isStereoAac: false, seconds: 1 },
    ]);
  });

  test.each([
    ['is empty', () => Buffer.alloc(0)],
    ['ends before its index', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
    ['has a box of no length', (whole: Buffer) => Buffer.concat([Buffer.alloc(64), whole])],
    ['has an index of all memory', () => Buffer.from('ffffffff6d6f6f760000000000000000', 'hex')],
    ['has a track of nothing', () => Buffer.from('000000106d6f6f76000000087472616b', 'hex')],
    [
      'has more boxes than anybody reads',
      () => Buffer.from(`000004106d6f6f76${'0000000866726565'.repeat(129)}`, 'hex'),
    ],
  ])('is none where the file %s', async (_, spoil) => {
    const path = join(folder, 'spoilt.mp4');
    await writeFile(path, spoil(await readFile(source)));
    expect(await readMovieIndex(path)).toBeUndefined();
  });
});

describe('a head start', () => {
  async function begin(
    of: string,
  ): Promise<{ request: EncodeRequest; headStart: HeadStart; taken: string[] }> {
    const request = await prepareVideo(await mkdtemp(join(folder, 'run-')), of);
    const begun = await beginEarly({ ...request, videoLimits: defaultVideoLimits });
    const taken: string[] = [];
    const headStart: HeadStart = {
      async take(args) {
        const run = await begun.take(args);
        if (run) taken.push(args.at(-1) ?? '');
        return run;
      },
      [Symbol.asyncDispose]: () => begun[Symbol.asyncDispose](),
    };
    return { request: { ...request, sides: [240, 360] }, headStart, taken };
  }

  test('is just what the look at the file then asks for', async () => {
    const { request, headStart, taken } = await begin(source);
    await encodeFirst({ ...request, headStart });
    expect(taken).toEqual(['copy.mp4']);
  });

  test('encodes sound that has to be encoded', async () => {
    const options = ['-preset', 'veryfast', '-crf', '28', '-g', '60', '-sc_threshold', '0'];
    const mono = await makeVideo({
      ...{ directory: folder, name: 'mono.mp4', seconds: 3, sound: 'mono', options },
    });
    const { request, headStart, taken } = await begin(mono);
    await encodeFirst({ ...request, headStart });
    expect(taken.toSorted()).toEqual(['audio.mp4', 'copy.mp4']);
  });

  test('is given up where something else is asked for, before that begins', async () => {
    for (const file of ['copy.mp4', 'audio.mp4']) {
      const { request, headStart, taken } = await begin(source);
      expect(await headStart.take(['-version', file])).toBeUndefined();
      expect(await readdir(request.directory)).toEqual([]);
      const outcome = await encodeFirst({ ...request, headStart });
      expect(outcome).toMatchObject({ hasAudio: true, width: 640 });
      expect(taken).toEqual([]);
    }
  });

  test('is not made where the picture cannot be copied', async () => {
    const other = await makeVideo({
      ...{ directory: folder, name: 'other.mp4', seconds: 1 },
      options: ['-c:v', 'mpeg4'],
    });
    const { request, headStart } = await begin(other);
    await headStart[Symbol.asyncDispose]();
    expect(await readdir(request.directory)).toEqual([]);
  });
});
