import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestMedia, type TestMedia } from '../../../test/support/media.ts';
import type { Transaction } from '../../platform/database/database.ts';
import { createUploadLeases, type Upload } from './upload-leases.ts';
import { createWriters } from './upload-writers.ts';
import { newLeaseHolder } from '../../platform/jobs/holder.ts';

const [here] = newLeaseHolder().split('/');

let opened: TestMedia;
let mediaId: number;
beforeEach(async () => {
  opened = await openTestMedia();
  const first = { viewer: opened.ann, label: 'clip.mp4', content: Buffer.from('0123'), connection: 'a' };
  ({ mediaId } = await opened.media.uploads.append(first));
});
afterEach(() => opened[Symbol.asyncDispose]());

const find = (tx: Transaction): Promise<Upload> =>
  tx.selectFrom('uploads').selectAll().where('mediaId', '=', mediaId).executeTakeFirstOrThrow();
const lease = <T>(
  work: (upload: Upload) => Promise<{ progress?: { offset: number }; result: T }>,
): Promise<T> =>
  createUploadLeases({
    database: opened.database,
    writers: createWriters(),
    now: opened.queue.now,
  }).hold({ find, work });
const row = () => opened.uploadRow(mediaId);
const change = (set: object): Promise<unknown> =>
  opened.database.transaction((tx) => tx.updateTable('uploads').set(set).execute());
const BUSY = { kind: 'unavailable', code: 'upload_busy', details: { retryAfter: 1 } };

describe('a lease on an upload', () => {
  test('is held while the work runs, and given back with its progress', async () => {
    const result = await lease(async (upload) => {
      expect(await row()).toMatchObject({ leaseHolder: expect.any(String), offset: 4 });
      return { progress: { offset: upload.offset + 6 }, result: 'done' };
    });
    expect(result).toBe('done');
    expect(await row()).toMatchObject({ leaseHolder: null, leaseUntil: 0, offset: 10 });
  });

  test('is given back by work that fails, without any progress', async () => {
    const failing = lease(async () => {
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await row()).toMatchObject({ leaseHolder: null, leaseUntil: 0, offset: 4 });
  });

  test('keeps writers one after the other, each with what the one before it has recorded', async () => {
    let inside = 0;
    let most = 0;
    const offsets = await Promise.all(
      Array.from({ length: 8 }, () =>
        lease(async ({ offset }) => {
          inside += 1;
          most = Math.max(most, inside);
          await delay(2);
          inside -= 1;
          return { progress: { offset: offset + 1 }, result: offset };
        }),
      ),
    );
    expect(most).toBe(1);
    expect(offsets.toSorted((one, other) => one - other)).toEqual([4, 5, 6, 7, 8, 9, 10, 11]);
    expect(await row()).toMatchObject({ offset: 12 });
  });

  test('of a writer elsewhere is waited for, then refused for a moment', async () => {
    await change({ leaseHolder: 'elsewhere.example/1/start/1', leaseUntil: opened.queue.clock + 30_000 });
    await expect(lease(async () => ({ result: 'mine' }))).rejects.toMatchObject(BUSY);
    const waiting = lease(async () => ({ result: 'mine' }));
    await change({ leaseHolder: null, leaseUntil: 0 });
    expect(await waiting).toBe('mine');
  });

  test('that ran out goes to the next writer, and the one who lost it records nothing', async () => {
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    const slow = lease(async () => {
      reached.resolve();
      await goOn.promise;
      return { progress: { offset: 999 }, result: 'slow' };
    });
    await reached.promise;
    opened.queue.clock += 30_001;
    expect(await lease(async () => ({ progress: { offset: 5 }, result: 'next' }))).toBe('next');
    goOn.resolve();
    await expect(slow).rejects.toMatchObject(BUSY);
    expect(await row()).toMatchObject({ offset: 5, leaseHolder: null });
  });

  test('of a loser is not given back in the name of the one who has it now', async () => {
    const failing = lease(async () => {
      await change({ leaseHolder: 'elsewhere.example/1/start/1', leaseUntil: 9e12 });
      throw new Error('too late');
    });
    await expect(failing).rejects.toThrow('too late');
    expect(await row()).toMatchObject({ leaseHolder: 'elsewhere.example/1/start/1', leaseUntil: 9e12 });
  });

  test.each([
    ['a process of this host that is gone', `${here}/${2 ** 22 + 1}/start/1`],
    ['an earlier start under our own number', `${here}/${process.pid}/earlier/1`],
  ])('of %s is free at once', async (_, leaseHolder) => {
    await change({ leaseHolder, leaseUntil: opened.queue.clock + 30_000 });
    // Were it waited for, this would fail as busy.
    expect(await lease(async () => ({ result: 'written' }))).toBe('written');
  });
});
