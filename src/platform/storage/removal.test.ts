import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTestQueue, type TestQueue } from '../../../test/support/workers.ts';
import { handle } from '../jobs/worker.ts';
import { openStorage } from './open.ts';
import { createBlobRemoval, type Removable, removeAfterCommit, removeBlobsJob } from './removal.ts';
import type { Storage } from './storage.ts';

let queue: TestQueue;
let folder: string;
let storage: Storage;
beforeEach(async () => {
  queue = await openTestQueue();
  folder = await mkdtemp(join(tmpdir(), 'veranda-removal-'));
  storage = await openStorage({ kind: 'local', folder });
  for (const key of ['pictures/a', 'pictures/b', 'hls/1/x', 'hls/1/y/z', 'hls/2/x'])
    await storage.blobs.put(key, Buffer.from('x'));
  await storage.drafts.write('d', { offset: 0 }, [Buffer.from('x')]);
});
afterEach(async () => {
  await queue[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const remove = (removable: Removable): Promise<void> =>
  queue.database.transaction((tx) => removeAfterCommit(queue.jobs, tx, removable));
async function work(): Promise<void> {
  const registrations = [handle(removeBlobsJob, createBlobRemoval({ database: queue.database, storage }))];
  const worker = await queue.startWorker([{ name: 'files', concurrency: 1, registrations }]);
  await worker.idle();
}
async function files(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

test('blobs, folders and drafts are removed by a job; nulls are passed over', async () => {
  await remove({ keys: ['pictures/a', null], prefixes: [null, 'hls/1'], drafts: ['d'] });
  expect(await files()).toHaveLength(6);
  await work();
  expect(await files()).toEqual(['media/hls/2/x', 'media/pictures/b']);
  expect(await queue.rows()).toEqual([]);
});

test('what is gone already is no error', async () => {
  await remove({ keys: ['pictures/a', 'pictures/nothing'] });
  await remove({ keys: ['pictures/a'], prefixes: ['hls/nothing'], drafts: ['nothing'] });
  await work();
  expect(await queue.rows()).toEqual([]);
  expect(await files()).toHaveLength(5);
});

test('no job is written for nothing', async () => {
  await remove({ keys: [null], prefixes: [] });
  expect(await queue.rows()).toEqual([]);
});

test('nothing is removed when the transaction is rolled back', async () => {
  const failing = queue.database.transaction(async (tx) => {
    await removeAfterCommit(queue.jobs, tx, { keys: ['pictures/a'] });
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  await work();
  expect(await files()).toHaveLength(6);
});
