import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeExternalMovie } from '../../../../test/support/external-movies.ts';
import {
  bundledFfmpeg,
  cutFile,
  makeVideo,
  testFfmpeg,
  type VideoRecipe,
} from '../../../../test/support/videos.ts';
import { sniffVideo, SNIFF_BYTES, type VideoContainer } from './containers.ts';
import { defaultVideoLimits, type VideoLimits } from './limits.ts';
import { probeVideo, type VideoProbe } from './probe.ts';
import { readProbe } from './probe-report.ts';
import { VideoProblem } from './problems.ts';

const run = promisify(execFile);
const MP4: VideoContainer = { container: 'mp4', demuxer: 'mov', extension: 'mp4', mimeType: 'video/mp4' };
const MATROSKA: VideoContainer = {
  container: 'matroska',
  demuxer: 'matroska',
  extension: 'mkv',
  mimeType: 'video/x-matroska',
};
let folder: string;
let work: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-probe-'));
  work = await mkdtemp(join(folder, 'work-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const make = (recipe: Omit<VideoRecipe, 'directory'>): Promise<string> =>
  makeVideo({ directory: folder, seconds: 1, ...recipe });

async function probe(
  source: string,
  more: { container?: VideoContainer; limits?: VideoLimits } = {},
): Promise<VideoProbe> {
  const container = more.container ?? sniffVideo((await readFile(source)).subarray(0, SNIFF_BYTES)) ?? MP4;
  return probeVideo({
    ffmpeg: await testFfmpeg(),
    source,
    directory: work,
    container,
    ...(more.limits && { limits: more.limits }),
  });
}

async function refusal(promise: Promise<unknown>): Promise<VideoProblem> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof VideoProblem)) throw new Error('It was not refused.', { cause: error });
  // A sentence for a person: no path, nothing that ffmpeg said.
  expect(error.message).toMatch(/^[A-Z][A-Za-z0-9 ,]+\.$/);
  expect(error.message).not.toContain(folder);
  return error;
}

describe('probing', () => {
  test('tells size, length, rate and tracks', async () => {
    const found = await probe(await make({ name: 'plain.mp4', width: 320, height: 180 }));
    expect(found).toMatchObject({ streams: 2, audio: { codec: 'aac', channels: 2 } });
    expect(found.durationSeconds).toBeCloseTo(1, 1);
    expect(found.video).toMatchObject({
      ...{ codec: 'h264', width: 320, height: 180, plain: true, pixelFormat: 'yuv420p', interlaced: false },
      averageFrameRate: { numerator: 30, denominator: 1 },
    });
  });

  test('gives the size that is shown: turned upright, pixels made square', async () => {
    const turned = await probe(
      await make({ name: 'turned.mp4', width: 320, height: 180, rotation: 270, filters: 'setsar=2/1' }),
    );
    expect(turned.video).toMatchObject({ width: 180, height: 640, plain: false });
  });

  test('reads a file without a length once through to learn it', async () => {
    const { ffmpeg } = await testFfmpeg();
    const whole = await make({ name: 'whole.mkv', seconds: 2 });
    const recorded = join(folder, 'recorded.mkv');
    await run(ffmpeg, ['-v', 'error', '-i', whole, '-c', 'copy', '-f', 'matroska', '-live', '1', recorded]);
    const found = await probe(recorded);
    expect(found.durationSeconds).toBeGreaterThan(1.8);
    expect(found.durationSeconds).toBeLessThan(2.2);
  });

  test('works with the build from npm', async () => {
    const ffmpeg = await bundledFfmpeg();
    if (!ffmpeg) throw new Error('This build of ffmpeg is not installed.');
    const source = await make({ name: 'bundled.mp4' });
    expect((await probeVideo({ ffmpeg, source, directory: work, container: MP4 })).video?.codec).toBe('h264');
  });

  test('survives a report that makes no sense', () => {
    for (const report of [
      null,
      1,
      'text',
      [],
      { streams: 'none' },
      { streams: [{ codec_type: 'audio', tags: 3 }] },
    ]) {
      expect(readProbe(report).video).toBeUndefined();
    }
  });
});

describe('refusing', () => {
  test('a file with sound alone', async () => {
    const error = await refusal(probe(await make({ name: 'song.m4a', picture: 'none' })));
    expect(error).toMatchObject({
      code: 'video_track_missing',
      message: 'This file has no video track.',
      retryable: false,
    });
  });

  test('a song with a cover picture', async () => {
    const { ffmpeg } = await testFfmpeg();
    const song = await make({ name: 'plain-song.m4a', picture: 'none' });
    const covered = join(folder, 'covered.m4a');
    const cover = [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=64x64:duration=0.04',
      '-map',
      '0',
      '-map',
      '1',
      '-c:a',
      'copy',
      '-c:v',
      'mjpeg',
    ];
    await run(ffmpeg, [
      '-v',
      'error',
      '-i',
      song,
      ...cover,
      '-pix_fmt',
      'yuvj420p',
      '-frames:v',
      '1',
      '-disposition:v',
      'attached_pic',
      covered,
    ]);
    expect((await refusal(probe(covered))).code).toBe('video_track_missing');
  });

  test.each([
    ['text', 'Hello. '.repeat(1000)],
    ['a playlist', '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n'],
    ['a concat script', "ffconcat version 1.0\nfile '/etc/passwd'\n"],
    ['nothing', ''],
  ])('%s that is dressed as a video', async (name, text) => {
    const source = join(folder, 'dressed.mp4');
    await writeFile(source, text);
    for (const container of [
      MP4,
      MATROSKA,
      { ...MP4, demuxer: 'avi' },
      { ...MP4, demuxer: 'mpegts' },
    ] as VideoContainer[]) {
      const { code } = await refusal(probe(source, { container }));
      expect(['video_damaged', 'video_track_missing'], `${name} as ${container.demuxer}`).toContain(code);
    }
  });

  test('a file that lost its index', async () => {
    const source = await cutFile(await make({ name: 'long.mp4' }), join(folder, 'cut.mp4'));
    expect(await refusal(probe(source))).toMatchObject({
      code: 'video_damaged',
      message: 'This video is damaged or incomplete.',
    });
  });

  test('a video that is too large, too long, or has too many tracks', async () => {
    const source = await make({ name: 'limits.mp4', width: 320, height: 180, seconds: 2 });
    const refused = async (limits: Partial<VideoLimits>): Promise<string> =>
      (await refusal(probe(source, { limits: { ...defaultVideoLimits, ...limits } }))).message;
    expect(await refused({ maxSide: 319 })).toBe('This video is larger than 319 pixels.');
    expect(await refused({ maxPixels: 50_000 })).toBe('This video has more than 0 million pixels.');
    expect(await refused({ maxDurationSeconds: 1 })).toBe('This video is longer than 1 seconds.');
    expect(await refused({ maxStreams: 1 })).toBe('This file has more than 1 tracks.');
  });

  test('a way of encoding that is not on the list', async () => {
    const source = await make({
      name: 'pictures.mkv',
      sound: 'none',
      options: ['-c:v', 'png', '-pix_fmt', 'rgb24', '-frames:v', '2'],
    });
    expect((await refusal(probe(source))).code).toBe('video_codec_unsupported');
  });

  test('nothing for what stands beside the picture: subtitles and a cover', async () => {
    const { ffmpeg } = await testFfmpeg();
    const plain = await make({ name: 'beside.mp4' });
    const text = join(folder, 'beside.srt');
    await writeFile(text, '1\n00:00:00,000 --> 00:00:01,000\nHello\n');
    const cover = ['-f', 'lavfi', '-i', 'testsrc2=size=64x64:duration=0.04'];
    const tracks = [
      '-map',
      '0',
      '-map',
      '1',
      '-map',
      '2',
      '-c',
      'copy',
      '-c:s',
      'mov_text',
      '-c:v:1',
      'png',
      '-frames:v:1',
      '1',
    ];
    const full = join(folder, 'full.mp4');
    await run(ffmpeg, [
      '-v',
      'error',
      '-i',
      plain,
      '-i',
      text,
      ...cover,
      ...tracks,
      '-disposition:v:1',
      'attached_pic',
      full,
    ]);
    expect(await probe(full)).toMatchObject({
      streams: 4,
      video: { codec: 'h264' },
      audio: { codec: 'aac' },
    });
  });
});

describe('a look that does not come to its end', () => {
  const limits = { wallMs: 60_000, cpuSeconds: 60, memoryBytes: 1024 ** 3, outputBytes: 1024 ** 2 };

  interface Instead {
    program: 'ffmpeg' | 'ffprobe';
    text: string;
  }

  /** With what a shell does in the place of one of the programs. */
  async function lookAt(source: string, { program, text }: Instead, more = {}): Promise<VideoProblem> {
    const script = join(folder, `instead-of-${program}`);
    await writeFile(script, `#!/bin/sh\n${text}\n`);
    await chmod(script, 0o755);
    const ffmpeg = { ...(await testFfmpeg()), [program]: script };
    const container = sniffVideo((await readFile(source)).subarray(0, SNIFF_BYTES)) ?? MP4;
    const runLimits = { ...limits, ...more };
    return refusal(probeVideo({ ffmpeg, source, directory: work, container, runLimits }));
  }

  test('is tried again when it was killed, or had no time: that may be the machine’s fault', async () => {
    const source = await make({ name: 'good.mp4' });
    const again = { code: 'video_interrupted', retryable: true };
    expect(await lookAt(source, { program: 'ffprobe', text: 'kill -9 $$' })).toMatchObject(again);
    const slow: Instead = { program: 'ffprobe', text: 'exec sleep 60' };
    expect(await lookAt(source, slow, { wallMs: 200 })).toMatchObject(again);
  });

  test('is tried again when a file without a length could not be read through in time', async () => {
    const { ffmpeg } = await testFfmpeg();
    const recorded = join(folder, 'endless.mkv');
    const whole = await make({ name: 'whole-too.mkv' });
    await run(ffmpeg, ['-v', 'error', '-i', whole, '-c', 'copy', '-f', 'matroska', '-live', '1', recorded]);
    const refused = await lookAt(recorded, { program: 'ffmpeg', text: 'exec sleep 60' }, { wallMs: 2000 });
    expect(refused).toMatchObject({ code: 'video_interrupted', retryable: true });
  });

  test('is not when the file has used up the processor', async () => {
    if (!(await testFfmpeg()).sandbox.limits) return;
    const source = await make({ name: 'costly.mp4' });
    const refused = await lookAt(
      source,
      { program: 'ffprobe', text: 'while :; do :; done' },
      { cpuSeconds: 1 },
    );
    expect(refused).toMatchObject({ code: 'video_too_complex', retryable: false });
  });
});

describe('a movie whose pictures are in another file', () => {
  test('is not followed there', async () => {
    const external = await makeExternalMovie(folder);
    // The reference is a good one: told to follow it, ffmpeg shows the other file's pictures.
    expect(await external.countFramesWhenFollowed()).toBeGreaterThan(0);
    const found = await probe(external.path).catch((error: unknown) => error);
    if (found instanceof VideoProblem) return;
    expect(await external.countFramesAsWeOpenIt()).toBe(0);
  });
});
