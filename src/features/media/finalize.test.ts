import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { insertPerson } from '../../../test/support/databases.ts';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import { makeVideo } from '../../../test/support/videos.ts';
import type { Viewer } from '../users/index.ts';
import { newLeaseHolder } from '../../platform/jobs/holder.ts';

const [here] = newLeaseHolder().split('/');

let video: Buffer;
let opened: TestMedia;
let postId: number;
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'veranda-finalize-'));
  video = await readFile(await makeVideo({ directory, seconds: 1 }));
  await rm(directory, { recursive: true });
});
beforeEach(async () => {
  opened = await openTestMedia();
  postId = await opened.insertPost();
});
afterEach(() => opened[Symbol.asyncDispose]());

const append = (content: Buffer, connection = 'a') =>
  opened.media.uploads.append({ viewer: opened.ann, label: 'clip.mp4', content, connection });
const change = (set: object): Promise<unknown> =>
  opened.database.transaction((tx) => tx.updateTable('uploads').set(set).execute());

/** As the posts feature does it. */
async function finalize(mediaId: number): Promise<boolean> {
  const checked = await opened.media.finalize.check({ viewer: opened.ann, mediaId });
  if (!checked) return false;
  const closed = await opened.database.transaction((tx) =>
    opened.media.finalize.close(tx, { checked, postId }),
  );
  if (closed) await opened.media.finalize.publish(checked);
  return closed;
}

const jobs = async (): Promise<string[]> =>
  (await opened.queue.rows()).map((job) => `${job.kind} ${job.payload}`);

describe('closing an upload', () => {
  test('puts its media onto the post, its bytes into a blob and a job into the queue', async () => {
    const { mediaId } = await append(video);
    expect(await finalize(mediaId)).toBe(true);
    const row = await opened.row(mediaId);
    expect(row).toMatchObject({ postId, position: 0, size: video.length, readyAt: null });
    expect(row?.fileKey).toMatch(/^videos\/[0-9a-f]{32}\.mp4$/);
    expect(await opened.files()).toEqual([`media/${row?.fileKey}`]);
    expect(await jobs()).toEqual([`transcode {"mediaId":${mediaId}}`]);
  });

  test('by ten at once happens once, and nobody meets an error', async () => {
    const { mediaId } = await append(video);
    const outcomes = await Promise.all(Array.from({ length: 10 }, () => finalize(mediaId)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await jobs()).toHaveLength(1);
    expect(await opened.files()).toHaveLength(1);
  });

  test('waits for a piece that is being written', async () => {
    const { mediaId } = await append(video.subarray(0, 10_000));
    await change({ leaseHolder: 'elsewhere.example/1/start/1', leaseUntil: opened.queue.clock + 30_000 });
    const closing = finalize(mediaId);
    await delay(100);
    expect(await opened.row(mediaId)).toMatchObject({ postId: null });
    // As if the other writer had got its piece to the end.
    const draftKey = (await opened.uploadRow(mediaId))?.draftKey ?? '';
    await opened.storage.drafts.write(draftKey, { offset: 10_000, fence: 2 }, [video.subarray(10_000)]);
    await change({ leaseHolder: null, leaseUntil: 0, offset: video.length });
    expect(await closing).toBe(true);
    expect(await opened.row(mediaId)).toMatchObject({ size: video.length });
  });

  test('does not wait for a writer that is dead', async () => {
    const { mediaId } = await append(video);
    await change({
      leaseHolder: `${here}/${process.pid}/earlier/1`,
      leaseUntil: opened.queue.clock + 30_000,
    });
    expect(await finalize(mediaId)).toBe(true);
    expect(await opened.uploadRow(mediaId)).toMatchObject({ leaseHolder: null });
  });

  test.each([
    ['somebody began to write', { leaseHolder: 'elsewhere.example/1/start/1', leaseUntil: 9e12 }],
    ['bytes came in', { offset: 7 }],
  ])('is refused when %s after the look at it', async (_, set) => {
    const { mediaId } = await append(video);
    const checked = await opened.media.finalize.check({ viewer: opened.ann, mediaId });
    if (!checked) throw new Error('closed');
    await change(set);
    const closing = opened.database.transaction((tx) => opened.media.finalize.close(tx, { checked, postId }));
    await expect(closing).rejects.toMatchObject({ kind: 'conflict', code: 'upload_changed' });
    expect(await opened.row(mediaId)).toMatchObject({ postId: null, fileKey: null });
    expect(await jobs()).toEqual([]);
  });

  test('while pieces still come in never yields a file of another size than was recorded', async () => {
    const { mediaId } = await append(video);
    const outcomes = await Promise.allSettled([
      finalize(mediaId),
      ...Array.from({ length: 6 }, (_, index) => append(Buffer.alloc(5_000, index), `b${index}`)),
      finalize(mediaId),
    ]);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected')
        expect(['upload_changed', 'upload_closed']).toContain(outcome.reason.code);
    while (!(await opened.row(mediaId))?.fileKey) await finalize(mediaId);
    const row = await opened.row(mediaId);
    const blob = await opened.storage.blobs.open(row?.fileKey ?? '');
    expect(blob?.size).toBe(row?.size);
    expect(await opened.uploadRow(mediaId)).toMatchObject({ offset: row?.size });
  });

  test('of what is no video drops it, with its bytes', async () => {
    const { mediaId } = await append(Buffer.from('<html>'.repeat(1_000)));
    const looks = await Promise.allSettled([1, 2].map(() => finalize(mediaId)));
    expect(looks.map((look) => (look.status === 'rejected' ? look.reason.code : 'closed'))).toContain(
      'not_a_video',
    );
    expect(looks.map((look) => look.status)).toEqual(['rejected', 'rejected']);
    await opened.work();
    expect(await opened.row(mediaId)).toBeUndefined();
    expect(await opened.files()).toEqual([]);
  });
});

describe('a look at an upload', () => {
  const check = (mediaId: number, viewer = opened.ann) => opened.media.finalize.check({ viewer, mediaId });

  test('is for its owner alone', async () => {
    const bob: Viewer = { ...(await insertPerson(opened.database, 'bob')), sessionId: 2, role: 'user' };
    const { mediaId } = await append(video);
    for (const look of [() => check(mediaId, bob), () => check(mediaId + 1)])
      await expect(look()).rejects.toMatchObject({ kind: 'not_found', code: 'upload_not_found' });
    expect(await check(mediaId)).toMatchObject({ upload: { mediaId } });
  });

  test('finds nothing to close before its first byte, nor when it is closed', async () => {
    const { mediaId } = await append(Buffer.alloc(0));
    await expect(check(mediaId)).rejects.toMatchObject({
      ...{ kind: 'conflict', code: 'upload_empty', details: { offset: 0 } },
    });
    await append(video);
    expect(await finalize(mediaId)).toBe(true);
    expect(await check(mediaId)).toBeUndefined();
  });

  test('finds nothing to close when somebody else does so between the row and the bytes', async () => {
    let meanwhile = async (): Promise<unknown> => undefined;
    await using other = await openTestMedia({
      wrapStorage: (storage) => ({
        ...storage,
        drafts: {
          ...storage.drafts,
          read: (key, range) =>
            Readable.from(
              (async function* () {
                await meanwhile();
                yield* storage.drafts.read(key, range);
              })(),
            ),
        },
        [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
      }),
    });
    const { uploads, finalize: closing } = other.media;
    const { mediaId } = await uploads.append({
      ...{ viewer: other.ann, label: 'clip.mp4', content: video, connection: 'a' },
    });
    const draft = (await other.uploadRow(mediaId))?.draftKey ?? '';
    const look = () => closing.check({ viewer: other.ann, mediaId });
    meanwhile = () => other.storage.drafts.remove(draft);
    await expect(look()).rejects.toThrow('ENOENT');
    meanwhile = () =>
      other.database.transaction((tx) => tx.updateTable('uploads').set({ finishedAt: 1 }).execute());
    expect(await look()).toBeUndefined();
  });

  test('tells to which post a closed one went', async () => {
    const { mediaId } = await append(video);
    await finalize(mediaId);
    const { confirmClosed } = opened.media.finalize;
    await expect(confirmClosed({ mediaId, postId })).resolves.toBeUndefined();
    const elsewhere = await opened.insertPost();
    for (const other of [
      { mediaId, postId: elsewhere },
      { mediaId: mediaId + 1, postId },
    ])
      await expect(confirmClosed(other)).rejects.toMatchObject({ kind: 'conflict', code: 'upload_closed' });
  });
});

describe('making the draft a blob', () => {
  test('is no error when the post was deleted meanwhile, and leaves no file', async () => {
    const { mediaId } = await append(video);
    const checked = await opened.media.finalize.check({ viewer: opened.ann, mediaId });
    if (!checked) throw new Error('closed');
    await opened.database.transaction((tx) => opened.media.finalize.close(tx, { checked, postId }));
    await opened.removePostMedia(postId);
    await opened.work();
    await opened.media.finalize.publish(checked);
    expect(await opened.files()).toEqual([]);
  });

  test('is an error when the file is wanted and not there', async () => {
    const { mediaId } = await append(video);
    const checked = await opened.media.finalize.check({ viewer: opened.ann, mediaId });
    if (!checked) throw new Error('closed');
    await opened.database.transaction((tx) => opened.media.finalize.close(tx, { checked, postId }));
    await opened.storage.drafts.remove(checked.upload.draftKey);
    await expect(opened.media.finalize.publish(checked)).rejects.toThrow('ENOENT');
  });
});
