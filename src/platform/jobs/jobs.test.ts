import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openTestDatabase, type TestDatabase } from '../../../test/support/databases.ts';
import { onBehalfOf } from '../request-id.ts';
import { createJobs, defineJob, type Enqueued, type Jobs } from './jobs.ts';
import { createJobsOverview } from './overview.ts';

const greet = defineJob('greet', { schema: z.object({ name: z.string() }), maxAttempts: 3, priority: 7 });
const wave = defineJob('wave', { schema: z.object({ name: z.string() }) });

let opened: TestDatabase;
let jobs: Jobs;
beforeEach(async () => {
  opened = await openTestDatabase();
  jobs = createJobs({ now: () => 1_000 });
});
afterEach(() => opened[Symbol.asyncDispose]());

const enqueue = (job: Enqueued<{ name: string }>, kind = greet): Promise<void> =>
  opened.database.transaction((tx) => jobs.enqueue(tx, kind, job));
const rows = () => opened.database.read.selectFrom('jobs').selectAll().orderBy('id').execute();

describe('enqueueing', () => {
  test('writes a job that waits', async () => {
    await enqueue({ payload: { name: 'Ann' } });
    await enqueue({ payload: { name: 'Bob' }, runAt: 5_000 });
    expect(await rows()).toMatchObject([
      {
        ...{ kind: 'greet', payload: '{"name":"Ann"}', runAt: 1_000, createdAt: 1_000, uniqueKey: null },
        ...{ attempts: 0, maxAttempts: 3, priority: 7, leaseHolder: null, leaseUntil: 0, deadAt: null },
      },
      { payload: '{"name":"Bob"}', runAt: 5_000 },
    ]);
  });

  test('notes which request the job goes back to', async () => {
    await onBehalfOf('request-1', () => enqueue({ payload: { name: 'Ann' }, uniqueKey: 'once' }));
    // It was there already.
    await onBehalfOf('request-2', () => enqueue({ payload: { name: 'Ann' }, uniqueKey: 'once' }));
    await enqueue({ payload: { name: 'Bob' } });
    expect((await rows()).map(({ requestId }) => requestId)).toEqual(['request-1', null]);
  });

  test('in a transaction that is rolled back leaves no job and wakes nobody', async () => {
    let woken = 0;
    jobs.onEnqueued(() => (woken += 1));
    const failing = opened.database.transaction(async (tx) => {
      await jobs.enqueue(tx, greet, { payload: { name: 'Ann' } });
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect(await rows()).toEqual([]);
    expect(woken).toBe(0);
  });

  test('wakes once it is committed, not before', async () => {
    const seen: number[] = [];
    jobs.onEnqueued(() => void rows().then((found) => seen.push(found.length)));
    await enqueue({ payload: { name: 'Ann' } });
    await expect.poll(() => seen).toEqual([1]);
  });

  test('refuses a payload that is not what the kind says', async () => {
    await expect(enqueue({ payload: { name: 7 } as never })).rejects.toThrow(z.ZodError);
    expect(await rows()).toEqual([]);
  });

  test('with a unique key changes nothing while such a job waits or runs', async () => {
    await Promise.all(
      ['first', 'second', 'third'].map((name) => enqueue({ payload: { name }, uniqueKey: 'one' })),
    );
    await opened.database.transaction((tx) =>
      tx.updateTable('jobs').set({ leaseHolder: 'somebody', leaseUntil: 9e12, attempts: 1 }).execute(),
    );
    await enqueue({ payload: { name: 'fourth' }, uniqueKey: 'one' });
    expect(await rows()).toHaveLength(1);
  });

  test('with a unique key knows kinds and keys apart, and forgets a job that is done or dead', async () => {
    await enqueue({ payload: { name: 'a' }, uniqueKey: 'one' });
    await enqueue({ payload: { name: 'b' }, uniqueKey: 'two' });
    await enqueue({ payload: { name: 'c' }, uniqueKey: 'one' }, wave);
    expect(await rows()).toHaveLength(3);
    await opened.database.transaction(async (tx) => {
      await tx.deleteFrom('jobs').where('uniqueKey', '=', 'greet:one').execute();
      await tx.updateTable('jobs').set({ deadAt: 1 }).where('uniqueKey', '=', 'greet:two').execute();
    });
    await enqueue({ payload: { name: 'd' }, uniqueKey: 'one' });
    await enqueue({ payload: { name: 'e' }, uniqueKey: 'two' });
    expect((await rows()).map((row) => JSON.parse(row.payload).name)).toEqual(['b', 'c', 'd', 'e']);
  });
});

describe('the operator', () => {
  test('gives a dead job all its tries again', async () => {
    const overview = createJobsOverview({ database: opened.database, now: () => 77 });
    await enqueue({ payload: { name: 'Ann' }, uniqueKey: 'one' });
    await opened.database.transaction((tx) =>
      tx.updateTable('jobs').set({ deadAt: 1, attempts: 3 }).execute(),
    );
    const [dead] = await overview.list();
    await overview.retry(dead?.id ?? 0);
    expect(await overview.list()).toMatchObject([{ deadAt: null, attempts: 0, runAt: 77 }]);
  });

  test('is told when there is nothing to retry, or the same work waits already', async () => {
    const overview = createJobsOverview({ database: opened.database, now: () => 77 });
    await enqueue({ payload: { name: 'Ann' }, uniqueKey: 'one' });
    const [waiting] = await overview.list();
    await expect(overview.retry(waiting?.id ?? 0)).rejects.toMatchObject({ kind: 'not_found' });
    await opened.database.transaction((tx) => tx.updateTable('jobs').set({ deadAt: 1 }).execute());
    await enqueue({ payload: { name: 'again' }, uniqueKey: 'one' });
    await expect(overview.retry(waiting?.id ?? 0)).rejects.toMatchObject({ code: 'job_waiting' });
  });
});
