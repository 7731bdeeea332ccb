import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder, prepareVideo } from '../../../../test/support/published-videos.ts';
import { cutFile, makeVideo } from '../../../../test/support/videos.ts';
import { FfmpegFailed } from '../../../platform/ffmpeg/run.ts';
import { encodeFirst, type EncodeRequest } from './encode.ts';
import { defaultRunLimits } from './run-limits.ts';
import { VideoProblem } from './problems.ts';

/** How a packet of an MPEG transport stream's picture track begins. */
const PICTURE_PACKET = Buffer.from('000001e0', 'hex');
const BOTH_STAMPS = 0xc0;

let folder: string;
let long: string;
beforeAll(async () => {
  folder = await makeVideoFolder();
  long = await makeVideo({
    directory: folder,
    width: 1280,
    height: 720,
    seconds: 20,
    options: ['-movflags', '+faststart'],
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const prepare = (source: string): Promise<EncodeRequest> => prepareVideo(folder, source);

/** The failure, after making sure that nothing is left running and that the work directory can go. */
async function failure(request: EncodeRequest): Promise<VideoProblem> {
  const error: unknown = await encodeFirst(request).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(await runningIn(request.directory)).toEqual([]);
  await rm(request.directory, { recursive: true });
  if (!(error instanceof VideoProblem)) throw new Error('It did not fail as videos do.', { cause: error });
  return error;
}

async function runningIn(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, place) => places[place] === directory);
}

describe('encoding that cannot be finished', () => {
  test('an abort ends the encoder at once and may be tried again', async () => {
    const abort = new AbortController();
    const request = await prepare(long);
    const error = await failure({ ...request, signal: abort.signal, onProgress: () => abort.abort() });
    expect(error).toMatchObject({ code: 'video_aborted', retryable: true });
    expect(error.cause).toBeInstanceOf(FfmpegFailed);
  });

  test('a time-out ends the encoder', async () => {
    const request = await prepare(long);
    const limits = { ...defaultRunLimits(request.probe), wallMs: 800 };
    expect(await failure({ ...request, limits })).toMatchObject({
      ...{
        code: 'video_too_complex',
        message: 'This video takes too much work to process.',
        retryable: false,
      },
    });
  });

  test('too much output ends the encoder', async () => {
    const request = await prepare(long);
    const limits = { ...defaultRunLimits(request.probe), outputBytes: 200_000 };
    expect((await failure({ ...request, limits })).code).toBe('video_too_complex');
  });

  test.each([
    ['an MP4 whose index promises more than there is', 'cut.mp4', 0.5],
    ['a Matroska file without its end', 'cut.mkv', 0.4],
  ])('%s is refused, not published in part', async (_, name, share) => {
    const whole = name.endsWith('mp4')
      ? long
      : await makeVideo({ directory: folder, name: `whole-${name}`, seconds: 6 });
    const request = await prepare(await cutFile(whole, join(folder, name), share));
    expect(await failure(request)).toMatchObject({
      ...{ code: 'video_damaged', message: 'This video is damaged or incomplete.', retryable: false },
    });
  });

  test('a time stamp that leaps by half a day is not filled with pictures', async () => {
    const source = await makeVideo({
      ...{ directory: folder, name: 'leap.ts', seconds: 1 },
      options: ['-c:v', 'mpeg2video', '-bf', '2', '-c:a', 'mp2'],
    });
    const bytes = await readFile(source);
    // Of a packet with two time stamps the one of showing leaps, and the one of decoding stays.
    let packet = bytes.indexOf(PICTURE_PACKET, bytes.length / 3);
    while (bytes[packet + 7] !== BOTH_STAMPS) packet = bytes.indexOf(PICTURE_PACKET, packet + 1);
    bytes[packet + 9] = (bytes[packet + 9] ?? 0) | 0x08;
    await writeFile(source, bytes);
    expect((await failure(await prepare(source))).code).toBe('video_damaged');
  });

  test('a source that is gone fails with a sentence that does not name it', async () => {
    const request = await prepare(long);
    const error = await failure({ ...request, source: join(folder, 'gone.mp4') });
    expect(error.message).not.toContain('gone');
  });
});
