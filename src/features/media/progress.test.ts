import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { topics } from '../../platform/realtime/topics.ts';
import { createProgressReport, type ProgressReport } from './progress.ts';
import type { EncodeProgress } from './videos/stream.ts';

const RUN = '0a1b2c3d';

let opened: TestMedia;
let mediaId: number;
let postId: number;
let heard: number;
beforeEach(async () => {
  opened = await openTestMedia();
  const ftyp = Buffer.from('\0\0\0\u0018ftypisom\0\0\u0002\0isomiso2', 'latin1');
  ({ mediaId, postId } = await opened.addVideo(ftyp));
  await opened.database.transaction((tx) => tx.updateTable('media').set({ encodeRun: RUN }).execute());
  heard = 0;
  opened.bus.subscribe(topics.posts(), () => (heard += 1));
});
afterEach(() => opened[Symbol.asyncDispose]());

const createReport = (database = opened.database): ProgressReport =>
  createProgressReport({ ...opened, database, claim: { mediaId, run: RUN }, now: opened.queue.now });
const encoding = (fraction: number): EncodeProgress => ({ step: 'encoding', track: '360p', fraction });

/** Says it once a second until somebody hears of it. */
async function tell(report: ProgressReport, progress: EncodeProgress): Promise<void> {
  const before = heard;
  await expect
    .poll(() => {
      opened.queue.clock += 1_000;
      report.report(progress);
      return heard;
    })
    .toBe(before + 1);
}

async function findVersion(): Promise<number | undefined> {
  const row = await opened.database.read
    .selectFrom('posts')
    .select('version')
    .where('id', '=', postId)
    .executeTakeFirst();
  return row?.version;
}

test('is written and told of when it changed, and not while it stays the same', async () => {
  const report = createReport();
  await tell(report, encoding(0.251));
  const version = await findVersion();
  for (let second = 0; second < 5; second += 1) {
    opened.queue.clock += 1_000;
    // The same in whole per cent.
    report.report(encoding(0.25 + second / 1_000));
    await new Promise(setImmediate);
  }
  await tell(report, encoding(0.26));
  await report.end();
  expect(heard).toBe(2);
  expect(await findVersion()).toBe((version ?? 0) + 1);
  expect((await opened.row(mediaId))?.progress).toBe('{"step":"encoding","percents":{"360p":26}}');
});

test('that could not be written is written the next time', async () => {
  let failing = true;
  const report = createReport({
    ...opened.database,
    transaction: (work) => {
      if (!failing) return opened.database.transaction(work);
      failing = false;
      return Promise.reject(new Error('away'));
    },
  });
  report.report(encoding(0.5));
  await tell(report, encoding(0.5));
  await report.end();
  expect((await opened.row(mediaId))?.progress).toContain('50');
});
