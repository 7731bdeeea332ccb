// The connection to the database is lost during a commit of an encode, at each of them in turn: whether it happened or not, what
// rows name is there, the next run makes the video ready, and nothing of it outlives the video.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectWhole } from '../../../test/support/listed-streams.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import type { Database } from '../../platform/database/database.ts';
import { CommitInDoubt } from '../../platform/database/postgres-driver.ts';
import type { Storage } from '../../platform/storage/storage.ts';
import type { EncodeCall, VideoEncoder } from './video-encoder.ts';

const video = Buffer.from('\0\0\0\u0018ftypisom\0\0\u0002\0isomiso2', 'latin1');

/** Files of the right names, with no video in them. */
const encoder: VideoEncoder = {
  async encodeFirst(call) {
    const { run } = call;
    call.sink.begin({ hasSound: false });
    await makeTrack(call, { name: '360p', height: 360, early: true });
    const made = { progressive: `${run}-video.mp4`, poster: `${run}-poster.jpg` };
    const storyboard = { sheet: `${run}-storyboard.jpg`, list: `${run}-storyboard.vtt` };
    for (const name of Object.values({ ...made, ...storyboard }))
      await writeFile(join(call.folder, name), name);
    return {
      ...{ ...made, storyboard, durationMs: 4_000, width: 320, height: 180, hasAudio: false },
      ...{ progressiveIsSource: false, more: true },
    };
  },
  async encodeRest(call) {
    call.sink.begin({ hasSound: false });
    if (!call.finished.some(({ name }) => name === '180p'))
      await makeTrack(call, { name: '180p', height: 180, early: false });
    const made = { progressive: `${call.run}-video.mp4`, poster: `${call.run}-poster.jpg` };
    for (const name of Object.values(made)) await writeFile(join(call.folder, name), name);
    return made;
  },
};

async function makeTrack(
  { folder, run, sink }: EncodeCall,
  about: { name: string; height: number; early: boolean },
): Promise<void> {
  const track = {
    ...{ ...about, kind: 'picture' as const, copied: false, width: (about.height * 16) / 9, frameRate: 25 },
    ...{ codecs: 'avc1.64001E', targetSeconds: 2, bandwidth: 1_000 },
  };
  const init = `${run}-init.mp4`;
  await mkdir(join(folder, track.name));
  await writeFile(join(folder, track.name, init), init);
  for (let at = 0; at < 2; at += 1) {
    const file = `${run}-0000${at}.m4s`;
    await writeFile(join(folder, track.name, file), file);
    const keys = [{ offset: 0, bytes: 4, seconds: 2 }];
    await sink.append(track, { at, segments: [{ file, init, seconds: 2, bytes: file.length, keys }] });
  }
  await sink.finish(track);
}

/** From `arm` on, the n-th transaction ends in doubt. */
function createDoubt({ nth, happens }: { nth: number; happens: 'before' | 'never' | 'late' }) {
  const lost = new CommitInDoubt('The connection to the database was lost during a commit');
  let calls = -Infinity;
  let release = (): Promise<unknown> => Promise.resolve();

  async function lose(database: Database, work: Parameters<Database['transaction']>[0]): Promise<never> {
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const committed = database.transaction(async (tx) => {
      await work(tx);
      asked.resolve();
      if (happens === 'never') throw lost;
      if (happens === 'late') await held.promise;
    });
    release = () => {
      held.resolve();
      return committed;
    };
    await (happens === 'late' ? Promise.race([asked.promise, committed]) : committed);
    throw lost;
  }
  return {
    arm: () => void (calls = 0),
    struck: () => calls >= nth,
    /** The commit that is late happens now. */
    release: () => release(),
    wrap: (database: Database): Database => ({
      ...database,
      transaction: (work) => ((calls += 1) === nth ? lose(database, work) : database.transaction(work)),
    }),
  };
}

async function expectReady(opened: TestMedia, mediaId: number): Promise<void> {
  const row = await opened.row(mediaId);
  expect(row).toMatchObject({ readyAt: expect.any(Number), sourceKey: null, failure: null });
  const files = await opened.files();
  for (const key of [row?.fileKey, row?.posterKey, row?.storyboardKey])
    expect(files).toContain(`media/${key}`);
  expect(Object.keys(await expectWhole(opened, `${row?.hlsPrefix}`)).toSorted()).toEqual(['180p', '360p']);
  expect(files.filter((file) => !file.startsWith(`media/${row?.hlsPrefix}/`))).toEqual([]);
}

test.each(['before', 'never'] as const)(
  'a commit whose answer is lost costs no file that a row names (it happened: %s)',
  { timeout: 60_000 },
  async (happens) => {
    let struck = true;
    let tried = 0;
    for (let nth = 1; struck; nth += 1) {
      const doubt = createDoubt({ nth, happens });
      await using opened = await openTestMedia({ encoder, wrapDatabase: doubt.wrap });
      const { mediaId, postId } = await opened.addVideo(video);
      doubt.arm();
      await opened.work();
      const prefix = (await opened.row(mediaId))?.hlsPrefix;
      if (prefix) await expectWhole(opened, prefix);
      opened.queue.clock += 600_000;
      await opened.work();
      await expectReady(opened, mediaId);
      await opened.removePostMedia(postId);
      await opened.work();
      expect(await opened.files()).toEqual([]);
      struck = doubt.struck();
      tried = nth;
    }
    // Each job begins, lists two segments, ends the track and then its work.
    expect(tried).toBeGreaterThan(10);
  },
);

test('a commit that happens after its answer was lost finds the files that it lists', async () => {
  // The first begins the job, the second lists the first segment.
  const doubt = createDoubt({ nth: 2, happens: 'late' });
  const wrapStorage = (storage: Storage): Storage => ({
    ...storage,
    blobs: {
      ...storage.blobs,
      remove: async (keys) => doubt.release().then(() => storage.blobs.remove(keys)),
      removeAll: async (prefix) => doubt.release().then(() => storage.blobs.removeAll(prefix)),
    },
  });
  await using opened = await openTestMedia({ encoder, wrapDatabase: doubt.wrap, wrapStorage });
  const { mediaId } = await opened.addVideo(video);
  doubt.arm();
  await opened.work();
  await expectWhole(opened, `${(await opened.row(mediaId))?.hlsPrefix}`);
  opened.queue.clock += 600_000;
  await opened.work();
  await expectReady(opened, mediaId);
});

test('what was refused before the commit leaves nothing', async () => {
  let appended = 0;
  await using opened = await openTestMedia({
    encoder: {
      ...encoder,
      encodeFirst: (call) =>
        encoder.encodeFirst({
          ...call,
          sink: {
            ...call.sink,
            async append(...given) {
              appended += 1;
              // Another run has begun on it.
              if (appended === 2)
                await opened.database.transaction((tx) =>
                  tx.updateTable('media').set({ encodeRun: 'ffffffff' }).execute(),
                );
              await call.sink.append(...given);
            },
          },
        }),
    },
  });
  const { mediaId } = await opened.addVideo(video);
  await opened.work();
  const prefix = (await opened.row(mediaId))?.hlsPrefix;
  await expectWhole(opened, `${prefix}`);
  const segments = (await opened.files()).filter((file) => file.endsWith('.m4s'));
  expect(segments).toEqual([expect.stringMatching(/-00000\.m4s$/)]);
});
