import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { expectWhole, readPlaylist } from '../../../test/support/listed-streams.ts';
import { makeVideo, testFfmpeg } from '../../../test/support/videos.ts';
import { unavailable } from '../../platform/errors.ts';
import { topics } from '../../platform/realtime/topics.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { transcodeJob } from './transcode.ts';
import { createVideoEncoder, type VideoEncoder } from './video-encoder.ts';
import { VideoProblem } from './videos/problems.ts';

let folder: string;
let short: Buffer;
let long: Buffer;
let encoder: VideoEncoder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-transcode-'));
  short = await readFile(await makeVideo({ directory: folder, name: 'short.mp4', seconds: 1 }));
  // Far more work than any test waits for.
  long = await readFile(
    await makeVideo({ directory: folder, name: 'long.mp4', width: 1280, height: 720, seconds: 60 }),
  );
  encoder = createVideoEncoder({ ffmpeg: await testFfmpeg(), sizes: [180, 360], maxDurationMs: 600_000 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let opened: TestMedia;
let heard: number[];
afterEach(() => opened[Symbol.asyncDispose]());

async function open(options: Parameters<typeof openTestMedia>[0]): Promise<void> {
  opened = await openTestMedia(options);
  heard = [];
  opened.bus.subscribe(topics.posts(), ({ postId }) => heard.push(postId));
}

/** The real encoder, which tells when it was begun on. */
function createObservedEncoder() {
  const begun = Promise.withResolvers<void>();
  let runs = 0;
  const observed: VideoEncoder = {
    ...encoder,
    encodeFirst(call) {
      runs += 1;
      begun.resolve();
      return encoder.encodeFirst(call);
    },
  };
  return { encoder: observed, begun: begun.promise, runs: () => runs };
}

/** Until the encoder has written something. */
async function encoding(): Promise<void> {
  await expect.poll(() => opened.scratch(), { timeout: 15_000 }).not.toEqual([]);
}

const requeue = (mediaId: number): Promise<void> =>
  opened.database.transaction((tx) =>
    opened.queue.jobs.enqueue(tx, transcodeJob, { payload: { mediaId }, uniqueKey: String(mediaId) }),
  );

/** Command lines of ffmpeg that work on this test's files. */
async function runningEncoders(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(opened.queue.folder)) found.push(command.replaceAll('\0', ' '));
  }
  return found;
}

describe('a video', () => {
  test('becomes adaptive, its original goes, and its post is announced', async () => {
    await open({ encoder });
    const { mediaId, postId } = await opened.addVideo(short);
    const original = (await opened.row(mediaId))?.fileKey;
    await opened.work();
    const row = await opened.row(mediaId);
    expect(row).toMatchObject({ width: 640, height: 360, draftPrefix: null, failedAt: null, failure: null });
    expect(row?.readyAt).toBe(opened.queue.clock);
    expect(row?.durationMs).toBeGreaterThan(900);
    const files = await opened.files();
    for (const key of [row?.fileKey, row?.posterKey, row?.storyboardKey])
      expect(files).toContain(`media/${key}`);
    expect(await readPlaylist(opened, `${row?.hlsPrefix}/master.m3u8`)).toContain('RESOLUTION=640x360');
    expect(row).toMatchObject({ sizes: '180,360', sourceKey: null, progress: null });
    expect(files).not.toContain(`media/${original}`);
    expect(files.every((file) => file.startsWith(`media/${row?.hlsPrefix}/`))).toBe(true);
    expect(await opened.scratch()).toEqual([]);
    expect(await opened.queue.rows()).toEqual([]);
    expect(new Set(heard)).toEqual(new Set([postId]));
  });

  test('that is ready stays as it is when the job runs once more', async () => {
    const { encoder: observed, runs } = createObservedEncoder();
    await open({ encoder: observed });
    const { mediaId } = await opened.addVideo(short);
    await opened.work();
    const before = [await opened.row(mediaId), await opened.files()];
    await requeue(mediaId);
    await opened.work();
    expect([await opened.row(mediaId), await opened.files()]).toEqual(before);
    expect(runs()).toBe(1);
  });

  test('that is finalized twice and waited for by two workers is encoded once', async () => {
    const { encoder: observed, runs } = createObservedEncoder();
    await open({ encoder: observed });
    const workers = [await opened.startWorker(), await opened.startWorker()];
    const { mediaId } = await opened.addVideo(short);
    await requeue(mediaId);
    await Promise.all(workers.map((worker) => worker.idle()));
    expect(await opened.row(mediaId)).toMatchObject({ readyAt: opened.queue.clock });
    expect(runs()).toBe(1);
  });

  test('is taken up by its job when the process died between the commit and making it a blob', async () => {
    await open({ encoder });
    const postId = await opened.insertPost();
    const { mediaId } = await opened.media.uploads.append({
      ...{ viewer: opened.ann, label: 'clip.mp4', content: short, connection: 'a' },
    });
    const checked = await opened.media.finalize.check({ viewer: opened.ann, mediaId });
    if (!checked) throw new Error('closed');
    await opened.database.transaction((tx) => opened.media.finalize.close(tx, { checked, postId }));
    await opened.work();
    expect(await opened.row(mediaId)).toMatchObject({ readyAt: opened.queue.clock });
    expect((await opened.files()).filter((file) => !file.startsWith('media/hls/'))).toEqual([]);
  });

  test('that is deleted later leaves no file', async () => {
    await open({ encoder });
    const { postId } = await opened.addVideo(short);
    await opened.work();
    await opened.removePostMedia(postId);
    await opened.work();
    expect(await opened.files()).toEqual([]);
  });
});

describe('a video that is deleted', () => {
  test('while it is encoded stops the encoder within five seconds and leaves no file', async () => {
    await open({ encoder });
    const worker = await opened.startWorker();
    const { postId } = await opened.addVideo(long);
    await encoding();
    await expect.poll(runningEncoders).not.toEqual([]);
    const began = performance.now();
    await opened.removePostMedia(postId);
    await worker.idle();
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await runningEncoders()).toEqual([]);
    expect([await opened.files(), await opened.scratch(), await opened.queue.rows()]).toEqual([[], [], []]);
  });

  test('while what was made of it is stored leaves no file either', async () => {
    await open({
      encoder,
      wrapStorage: (storage) => {
        let adopted = 0;
        const adopt: Storage['blobs']['adopt'] = async (key, path) => {
          await storage.blobs.adopt(key, path);
          adopted += 1;
          if (adopted === 2) await opened.removePostMedia(postId);
        };
        return { ...storage, blobs: { ...storage.blobs, adopt } };
      },
    });
    const { postId } = await opened.addVideo(short);
    await opened.work();
    // The removal may have met files that were just coming in, and tries again.
    opened.queue.clock += 60_000;
    await opened.work();
    expect([await opened.files(), await opened.scratch(), await opened.queue.rows()]).toEqual([[], [], []]);
  });

  test('while it is looked at is no failure, though its file is gone', async () => {
    const looking: VideoEncoder = {
      ...encoder,
      async encodeFirst() {
        await opened.removePostMedia(postId);
        throw new VideoProblem('video_damaged', 'This video is damaged or incomplete.');
      },
    };
    await open({ encoder: looking });
    const { postId } = await opened.addVideo(short);
    await opened.work();
    expect([await opened.files(), await opened.scratch(), await opened.queue.rows()]).toEqual([[], [], []]);
  });

  test('before its turn is passed over', async () => {
    const { encoder: observed, runs } = createObservedEncoder();
    await open({ encoder: observed });
    const { postId } = await opened.addVideo(short);
    await opened.removePostMedia(postId);
    await opened.work();
    expect(runs()).toBe(0);
    expect([await opened.files(), await opened.queue.rows()]).toEqual([[], []]);
  });
});

test('two workers that have the same job publish one result and leave nothing of the other', async () => {
  const first = createObservedEncoder();
  await open({ encoder: first.encoder });
  const { mediaId } = await opened.addVideo(short);
  const stalled = await opened.startWorker();
  await first.begun;
  // As after a stall: the lease ran out and another worker has come by.
  opened.queue.clock += 60_000;
  const second = await opened.startWorker();
  await second.idle();
  await stalled.idle();
  await opened.work();
  const row = await opened.row(mediaId);
  expect(row?.readyAt).not.toBeNull();
  const files = await opened.files();
  expect(files.filter((file) => !file.startsWith(`media/${row?.hlsPrefix}/`))).toEqual([]);
  await expectWhole(opened, `${row?.hlsPrefix}`);
});

test('stopping the worker stops the encoder and gives the job back, and the next one does it', async () => {
  await open({ encoder });
  const worker = await opened.startWorker();
  const { mediaId } = await opened.addVideo(short);
  await encoding();
  const began = performance.now();
  await worker.stop();
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(await runningEncoders()).toEqual([]);
  expect(await opened.scratch()).toEqual([]);
  expect((await opened.queue.rows()).filter((job) => job.kind === 'transcode')).toMatchObject([
    { attempts: 0, leaseHolder: null },
  ]);
  await opened.work();
  expect(await opened.row(mediaId)).toMatchObject({ readyAt: opened.queue.clock });
});

describe('a video that cannot be encoded', () => {
  test('because it is damaged says so at once, and stays as it came', async () => {
    await open({ encoder });
    const { mediaId, postId } = await opened.addVideo(short.subarray(0, short.length / 3));
    await opened.work();
    const row = await opened.row(mediaId);
    expect(row).toMatchObject({
      ...{ failure: 'This video is damaged or incomplete.', failedAt: opened.queue.clock },
      ...{ hlsPrefix: null, draftPrefix: null, readyAt: null },
    });
    expect(await opened.files()).toEqual([`media/${row?.fileKey}`]);
    expect(await opened.queue.rows()).toMatchObject([{ attempts: 1, deadAt: opened.queue.clock }]);
    expect(new Set(heard)).toEqual(new Set([postId]));
  });

  test('for want of an encoder says that, and stays as it came', async () => {
    await open({});
    const { mediaId } = await opened.addVideo(short);
    await opened.work();
    const row = await opened.row(mediaId);
    expect(row?.failure).toBe('Video processing is not available on this server.');
    expect(await opened.files()).toEqual([`media/${row?.fileKey}`]);
    expect((await opened.storage.blobs.open(row?.fileKey ?? ''))?.size).toBe(short.length);
  });

  test('because storing it fails half-way leaves nothing of it, whether it is tried again or not', async () => {
    await open({
      encoder,
      wrapStorage: (storage) => {
        let adopted = 0;
        const adopt: Storage['blobs']['adopt'] = async (key, path) => {
          adopted += 1;
          if (adopted % 3 === 0) throw unavailable('storage_full', 'Full.');
          await storage.blobs.adopt(key, path);
        };
        return { ...storage, blobs: { ...storage.blobs, adopt } };
      },
    });
    const { mediaId } = await opened.addVideo(short);
    for (let round = 0; round < 3; round += 1) {
      await opened.work();
      const listed = (await opened.row(mediaId))?.hlsPrefix;
      if (listed) await expectWhole(opened, listed);
      expect(await opened.scratch()).toEqual([]);
      opened.queue.clock += 600_000;
    }
    expect(await opened.files()).toEqual([`media/${(await opened.row(mediaId))?.fileKey}`]);
    expect(await opened.row(mediaId)).toMatchObject({
      ...{ failure: 'This video could not be processed.', draftPrefix: null },
    });
  });

  test('is encoded after all when the operator has its job tried again', async () => {
    let able = false;
    await open({
      encoder: {
        ...encoder,
        async encodeFirst(call) {
          if (able) return encoder.encodeFirst(call);
          throw new VideoProblem('video_too_complex', 'This video takes too much work to process.');
        },
      },
    });
    const { mediaId } = await opened.addVideo(short);
    await opened.work();
    expect(await opened.row(mediaId)).toMatchObject({
      failure: 'This video takes too much work to process.',
    });
    able = true;
    await opened.queue.change({ deadAt: null, attempts: 0 });
    await opened.work();
    expect(await opened.row(mediaId)).toMatchObject({
      readyAt: opened.queue.clock,
      failedAt: null,
      failure: null,
    });
  });
});
