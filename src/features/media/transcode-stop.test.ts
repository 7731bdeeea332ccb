import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestMedia } from '../../../test/support/media.ts';
import { makeVideo, testFfmpeg } from '../../../test/support/videos.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import { createVideoEncoder, type VideoEncoder } from './video-encoder.ts';

let folder: string;
let short: Buffer;
let encoder: VideoEncoder;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-stop-'));
  short = await readFile(await makeVideo({ directory: folder, seconds: 1 }));
  encoder = createVideoEncoder({ ffmpeg: await testFfmpeg(), sizes: [180, 360], maxDurationMs: 600_000 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['a video', 1, 'transcode'],
  ['the source of its other sizes', 2, 'transcode-rest'],
])('stopping the worker while it fetches %s gives the job back at once', async (_, turn, kind) => {
  const fetching = Promise.withResolvers<void>();
  await using opened = await openTestMedia({
    encoder,
    wrapStorage: (storage) => {
      let fetched = 0;
      const withFile: Storage['blobs']['withFile'] = async (key, use, options) => {
        fetched += 1;
        if (fetched !== turn) return storage.blobs.withFile(key, use, options);
        fetching.resolve();
        const { promise, reject } = Promise.withResolvers<never>();
        options?.signal?.addEventListener('abort', () => reject(new Error('given up')));
        return promise;
      };
      return { ...storage, blobs: { ...storage.blobs, withFile } };
    },
  });
  const worker = await opened.startWorker();
  await opened.addVideo(short);
  await fetching.promise;
  await worker.stop();
  const left = await opened.queue.rows();
  expect(left.filter((job) => job.kind === kind)).toMatchObject([{ attempts: 0, leaseHolder: null }]);
});

test('stopping the worker while it makes sure of the file gives the job back at once', async () => {
  const joining = Promise.withResolvers<void>();
  await using opened = await openTestMedia({
    encoder,
    wrapStorage: (storage) => {
      const publish: Storage['drafts']['publish'] = async (key, blob) => {
        if (!blob.signal) return storage.drafts.publish(key, blob);
        joining.resolve();
        const { promise, reject } = Promise.withResolvers<never>();
        blob.signal.addEventListener('abort', () => reject(new Error('given up')));
        return promise;
      };
      return { ...storage, drafts: { ...storage.drafts, publish } };
    },
  });
  const worker = await opened.startWorker();
  await opened.addVideo(short);
  await joining.promise;
  await worker.stop();
  expect(await opened.queue.rows()).toMatchObject([{ kind: 'transcode', attempts: 0, leaseHolder: null }]);
});
