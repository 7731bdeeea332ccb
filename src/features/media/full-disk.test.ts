import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crampFfmpeg } from '../../../test/support/cramped-ffmpeg.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { mountSmallDisk } from '../../../test/support/small-disk.ts';
import { makeVideo, testFfmpeg } from '../../../test/support/videos.ts';
import type { Ffmpeg } from '../../platform/ffmpeg/find.ts';
import { createVideoEncoder, type VideoEncoder } from './video-encoder.ts';

let folder: string;
let video: Buffer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-full-disk-'));
  video = await readFile(await makeVideo({ directory: folder, seconds: 4, picture: 'natural' }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const createEncoder = (ffmpeg: Ffmpeg): VideoEncoder =>
  createVideoEncoder({ ffmpeg, sizes: [360], maxDurationMs: 600_000 });

const cramped = ['360p.mp4', 'audio.mp4', '*-poster.jpg', '*-storyboard.jpg', 'partial.mp4'];
test.each(cramped)('a disk that is full at %s is met with patience', { timeout: 60_000 }, async (file) => {
  const { ffmpeg, giveRoom } = await crampFfmpeg(folder, file);
  await using opened = await openTestMedia({ encoder: createEncoder(ffmpeg) });
  await expectPatience(opened, async (isFull) => {
    if (!isFull) await giveRoom();
  });
});

test.each([0, 100, 1_500])(
  'a disk that has room for %d KiB more is met with patience',
  { timeout: 60_000 },
  async (kib) => {
    await using disk = await mountSmallDisk(32 * 2 ** 20);
    // Who may not mount one has seen the like above.
    if (!disk) return;
    await using opened = await openTestMedia({
      encoder: createEncoder(await testFfmpeg()),
      disk: disk.path,
    });
    await expectPatience(opened, (isFull) => disk.leave(isFull ? kib * 1_024 : 'everything'));
  },
);

/** Nothing of the try stays but what viewers were told of, it is repeated after a while, and then there is room. */
async function expectPatience(opened: TestMedia, setFull: (isFull: boolean) => Promise<void>): Promise<void> {
  const { mediaId } = await opened.addVideo(video);
  await setFull(true);
  await opened.work();
  const row = await opened.row(mediaId);
  expect(row).toMatchObject({ readyAt: null, failedAt: null, failure: null });
  const unlisted = (await opened.files()).filter((name) => !name.startsWith(`media/${row?.hlsPrefix}/`));
  expect([unlisted, await opened.scratch()]).toEqual([[`media/${row?.fileKey}`], []]);
  const [job] = await opened.queue.rows();
  expect(job).toMatchObject({ kind: 'transcode', attempts: 1, deadAt: null });
  expect((job?.runAt ?? 0) - opened.queue.clock).toBeGreaterThanOrEqual(7_500);

  await setFull(false);
  opened.queue.clock = job?.runAt ?? 0;
  await opened.work();
  expect(await opened.row(mediaId)).toMatchObject({ readyAt: opened.queue.clock, failure: null });
  expect((await opened.files()).filter((name) => !name.startsWith('media/hls/'))).toEqual([]);
  expect(await opened.scratch()).toEqual([]);
}
