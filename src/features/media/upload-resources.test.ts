import { createHash } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { openTestMedia, type TestMedia, UPLOAD_LIFETIME_MS } from '../../../test/support/media.ts';
import { sweepUploadsJob } from './index.ts';
import { createWriters } from './upload-writers.ts';

let opened: TestMedia;
beforeEach(async () => {
  opened = await openTestMedia({ storageBytes: 1_000 });
});
afterEach(() => opened[Symbol.asyncDispose]());

const own = (id: string) => ({ viewer: opened.ann, id });
const begin = async (length: number | null, label = ''): Promise<string> =>
  (await opened.media.resources.create({ viewer: opened.ann, label, length, metadata: null })).id;
const receive = (id: string, offset: number, bytes: string) =>
  opened.media.bodies.receive({
    ...own(id),
    offset,
    body: { content: Readable.from([Buffer.from(bytes)]), announced: undefined },
  });
const put = (id: string, offset: number, body: { content: Readable; announced: number }) =>
  opened.media.parts.put({ ...own(id), offset, body });
const part = (bytes: string) => ({ content: Readable.from([Buffer.from(bytes)]), announced: bytes.length });

describe('the quota', () => {
  test('is taken when an upload is begun, and never by more than there is, however many begin at once', async () => {
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => begin(100)));
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toHaveLength(10);
    for (const reason of refused) expect(reason).toMatchObject({ kind: 'too_large', code: 'quota_reached' });
  });

  test('is given back when an upload is given up, or nobody comes back for it', async () => {
    const id = await begin(600);
    await expect(begin(600)).rejects.toMatchObject({ code: 'quota_reached' });
    await opened.media.resources.remove(own(id));
    await begin(600);
    opened.queue.clock += UPLOAD_LIFETIME_MS + 1;
    await sweep();
    await begin(600);
  });

  test('bounds a body whose upload has no length, while it comes', async () => {
    const id = await begin(null);
    await receive(id, 0, 'x'.repeat(900));
    await expect(receive(id, 900, 'x'.repeat(101))).rejects.toMatchObject({ kind: 'too_large' });
    expect(await opened.media.resources.look(own(id))).toMatchObject({ offset: 900 });
    await receive(id, 900, 'x'.repeat(100));
    await expect(begin(1)).rejects.toMatchObject({ code: 'quota_reached' });
  });

  test('is taken for the rest when the length is said later', async () => {
    const id = await begin(null);
    await receive(id, 0, 'x'.repeat(100));
    const declare = (length: number) =>
      opened.media.bodies.receive({
        ...{ ...own(id), offset: 100, length },
        body: { content: Readable.from([]), announced: 0 },
      });
    await expect(declare(1_001)).rejects.toMatchObject({ code: 'quota_reached' });
    await declare(900);
    await expect(begin(101)).rejects.toMatchObject({ code: 'quota_reached' });
    await begin(100);
  });

  test('is kept free for an upload of no length, until it is complete', async () => {
    const reserved = { label: '', length: null, metadata: null, reserved: 900 };
    const { id } = await opened.media.resources.create({ viewer: opened.ann, ...reserved });
    await receive(id, 0, 'x'.repeat(500));
    await expect(begin(101)).rejects.toMatchObject({ code: 'quota_reached' });
    // More than was reserved, as long as there is room.
    await receive(id, 500, 'x'.repeat(450));
    await expect(begin(51)).rejects.toMatchObject({ code: 'quota_reached' });
    await expect(opened.media.resources.complete({ ...own(id), offset: 949 })).rejects.toMatchObject({
      ...{ code: 'offset_mismatch', details: { offset: 950 } },
    });
    expect(await opened.media.resources.complete({ ...own(id), offset: 950 })).toMatchObject({ length: 950 });
    await begin(50);
  });

  test('that was kept free is given back when the upload is complete', async () => {
    const reserved = { label: '', length: null, metadata: null, reserved: 900 };
    const { id } = await opened.media.resources.create({ viewer: opened.ann, ...reserved });
    await receive(id, 0, 'x'.repeat(100));
    await opened.media.resources.complete({ ...own(id), offset: 100 });
    await expect(begin(901)).rejects.toMatchObject({ code: 'quota_reached' });
    await begin(900);
  });
});

const sweep = async (): Promise<void> => {
  await opened.database.transaction((tx) => opened.queue.jobs.enqueue(tx, sweepUploadsJob, { payload: {} }));
  await opened.work();
};

describe('an upload that nobody comes back for', () => {
  test('is not there any more after its lifetime, even before the sweep', async () => {
    const [left, used] = [await begin(10), await begin(10)];
    opened.queue.clock += UPLOAD_LIFETIME_MS - 10;
    const { state } = await receive(used, 0, 'used');
    expect(state.expiresAt).toBe(opened.queue.clock + UPLOAD_LIFETIME_MS);
    opened.queue.clock += 20;
    await expect(opened.media.resources.look(own(left))).rejects.toMatchObject({ kind: 'not_found' });
    await expect(receive(left, 0, 'x')).rejects.toMatchObject({ kind: 'not_found' });
    await sweep();
    expect(await opened.media.resources.look(own(used))).toMatchObject({ offset: 4 });
  });

  test('and has parts goes with them', async () => {
    const id = await begin(100);
    await put(id, 50, part('ahead'));
    opened.queue.clock += UPLOAD_LIFETIME_MS + 1;
    await sweep();
    expect(await opened.files()).toEqual([]);
    expect(await opened.database.read.selectFrom('uploadParts').selectAll().execute()).toEqual([]);
  });
});

describe('a part that stands still', () => {
  /** A part of which `first` has come, and its writer at work. */
  async function stall(id: string, first: string) {
    const content = new PassThrough();
    const stalled = put(id, 50, { content, announced: 10 });
    stalled.catch(() => undefined);
    content.write(first);
    await expect
      .poll(() => opened.database.read.selectFrom('uploadParts').select('leaseHolder').executeTakeFirst())
      .toMatchObject({ leaseHolder: expect.any(String) });
    return { content, stalled };
  }

  test('gives way to the same part on another connection, and what had come counts', async () => {
    const id = await begin(100);
    const { stalled } = await stall(id, '01234');
    const again = put(id, 50, part('0123456789'));
    await Promise.all([
      expect(stalled).rejects.toMatchObject({ code: 'body_incomplete' }),
      // Half of it is there by now.
      expect(again).rejects.toMatchObject({ code: 'part_overlaps' }),
    ]);
    await put(id, 55, part('56789'));
    expect(await opened.media.resources.look(own(id))).toMatchObject({
      missing: [
        { start: 0, end: 50 },
        { start: 60, end: 100 },
      ],
    });
  });

  test('leaves parts beside it alone, and gives way to bytes in order', async () => {
    const id = await begin(100);
    const { stalled } = await stall(id, '01234');
    await put(id, 80, part('beside'));
    expect(await opened.database.read.selectFrom('uploadParts').selectAll().execute()).toHaveLength(2);
    await receive(id, 0, 'x'.repeat(50));
    await expect(stalled).rejects.toMatchObject({ code: 'body_incomplete' });
    expect(await opened.media.resources.look(own(id))).toMatchObject({ offset: 55 });
  });

  test('whose writer is gone is nobody’s', async () => {
    const id = await begin(100);
    const { stalled, content } = await stall(id, '01234');
    await opened.database.transaction((tx) =>
      tx.updateTable('uploadParts').set({ leaseHolder: 'elsewhere/1/start/1', leaseUntil: 1 }).execute(),
    );
    await put(id, 50, part('0123456789'));
    content.end('56789');
    await expect(stalled).rejects.toMatchObject({
      code: expect.stringMatching(/upload_busy|body_incomplete/),
    });
    expect(await opened.media.resources.look(own(id))).toMatchObject({
      missing: [
        { start: 0, end: 50 },
        { start: 60, end: 100 },
      ],
    });
  });
});

test('a long body is recorded on the way', { timeout: 60_000 }, async () => {
  await using large = await openTestMedia({ storageBytes: 1e9, videoBytes: 200e6 });
  const viewer = large.ann;
  const { id } = await large.media.resources.create({ viewer, label: '', length: 100e6, metadata: null });
  const content = new PassThrough();
  const body = { content, announced: 100e6 };
  const received = large.media.bodies.receive({ viewer, id, offset: 0, body });
  const piece = Buffer.alloc(1e6, 'x');
  const hash = createHash('sha256');
  for (let count = 0; count < 70; count += 1) {
    hash.update(piece);
    if (!content.write(piece)) await new Promise((resolve) => content.once('drain', resolve));
  }
  await expect
    .poll(async () => (await large.media.resources.look({ viewer, id })).offset, { timeout: 20_000 })
    .toBe(64 * 2 ** 20);
  content.destroy();
  expect((await received).state.offset).toBeGreaterThan(64 * 2 ** 20);
});

test(
  'bytes that come again in the midst of a part take nothing of it back',
  { timeout: 60_000 },
  async () => {
    await using large = await openTestMedia({ storageBytes: 1e9, videoBytes: 200e6 });
    const viewer = large.ann;
    const { id } = await large.media.resources.create({ viewer, label: '', length: 100e6, metadata: null });
    const piece = Buffer.alloc(1e6, 'x');
    const ahead = { content: Readable.from(Array<Buffer>(16).fill(piece)), announced: 16e6 };
    await large.media.parts.put({ viewer, id, offset: 60e6, body: ahead });
    const content = new PassThrough();
    const received = large.media.bodies.receive({
      viewer,
      id,
      offset: 0,
      body: { content, announced: 100e6 },
    });
    for (let count = 0; count < 70; count += 1)
      if (!content.write(piece)) await new Promise((resolve) => content.once('drain', resolve));
    const reached = async () => (await large.media.resources.look({ viewer, id })).offset;
    await expect.poll(reached, { timeout: 20_000 }).toBe(76e6);
    content.destroy();
    expect((await received).state.offset).toBe(76e6);
  },
);

test('a writer that has not heard of its lease for long does not write', () => {
  using writer = createWriters().begin('me', {
    renew: async () => true,
    isUndisturbed: async () => true,
  });
  writer.confirm();
  // As after a stop of the whole process: its timers have not run.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 25_000);
  expect(() => writer.confirm()).toThrow('Another request is writing');
});
