import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { lane, openTestQueue, type Payload, type TestQueue, work } from '../../../test/support/workers.ts';
import { afterCommit } from '../database/database.ts';
import { type JobHandler, PermanentFailure } from './jobs.ts';

let queue: TestQueue;
beforeEach(async () => {
  queue = await openTestQueue();
});
afterEach(() => queue[Symbol.asyncDispose]());

describe('a failing job', () => {
  test('is tried again after pauses that grow, and dead after its last try, with its reason', async () => {
    const buried: unknown[] = [];
    const pauses: number[] = [];
    const worker = await queue.startWorker([
      lane(
        async ({ attempt }) => {
          throw new Error(`try ${attempt} failed`);
        },
        { bury: async (_tx, { payload, error }) => void buried.push([payload, (error as Error).message]) },
      ),
    ]);
    await queue.enqueue('poison');
    await worker.idle();
    for (let round = 0; round < 2; round += 1) {
      const [row] = await queue.rows();
      expect(row).toMatchObject({ lastError: `try ${round + 1} failed`, deadAt: null, leaseUntil: 0 });
      pauses.push((row?.runAt ?? 0) - queue.clock);
      expect(buried).toEqual([]);
      queue.clock = row?.runAt ?? 0;
      worker.wake();
      await worker.idle();
    }
    expect(pauses[0]).toBeGreaterThanOrEqual(750);
    expect(pauses[0]).toBeLessThanOrEqual(1_250);
    expect(pauses[1]).toBeGreaterThanOrEqual(3_000);
    expect(pauses[1]).toBeLessThanOrEqual(5_000);
    expect(buried).toEqual([[{ name: 'poison' }, 'try 3 failed']]);
    expect(await queue.rows()).toMatchObject([
      { attempts: 3, lastError: 'try 3 failed', deadAt: queue.clock },
    ]);
    await queue.passPause(worker);
    expect(buried).toHaveLength(1);
  });

  test('does not keep the ones behind it waiting', async () => {
    const seen: string[] = [];
    const worker = await queue.startWorker([
      lane(async ({ payload }) => {
        if (payload.name === 'poison') throw new Error('again and again');
        seen.push(payload.name);
      }),
    ]);
    await queue.enqueue('poison');
    await queue.enqueue('healthy');
    await worker.idle();
    expect(seen).toEqual(['healthy']);
  });

  test('has its tries counted over all workers, however many take it up', async () => {
    const tries: string[] = [];
    const buried: string[] = [];
    const laneOf = (name: string) =>
      lane(
        async ({ payload, attempt }) => {
          if (payload.name !== 'poison') return;
          tries.push(`${attempt}`);
          throw new Error(`poison for ${name}`);
        },
        { bury: async (_tx, { payload }) => void buried.push(payload.name) },
      );
    const one = await queue.startWorker([laneOf('one')]);
    const two = await queue.startWorker([laneOf('two')]);
    await queue.enqueue('poison');
    for (let round = 0; round < 6; round += 1) {
      await queue.enqueue('healthy');
      await Promise.all([queue.passPause(one), queue.passPause(two)]);
    }
    expect(tries).toEqual(['1', '2', '3']);
    expect(buried).toEqual(['poison']);
    expect(await queue.rows()).toMatchObject([{ attempts: 3, deadAt: expect.any(Number) }]);
  });

  test('is dead at once when no further try can mend it', async () => {
    const buried: unknown[] = [];
    const failure = new PermanentFailure('not ever', { cause: 'the reason' });
    const worker = await queue.startWorker([
      lane(
        async () => {
          throw failure;
        },
        { bury: async (_tx, { error }) => void buried.push(error) },
      ),
    ]);
    await queue.enqueue('hopeless');
    await worker.idle();
    expect(buried).toEqual([failure]);
    expect(await queue.rows()).toMatchObject([{ attempts: 1, lastError: 'not ever', deadAt: queue.clock }]);
  });

  test.each(['{"name":7}', '[]', 'no json {'])(
    'whose payload no longer fits its kind (%s) ends dead without being handled or buried',
    async (payload) => {
      const seen: unknown[] = [];
      await queue.enqueue('old');
      await queue.change({ payload });
      const handler: JobHandler<Payload> = async (run) => void seen.push(run);
      const worker = await queue.startWorker([
        lane(handler, { bury: async (_tx, job) => void seen.push(job) }),
      ]);
      await worker.idle();
      for (let round = 0; round < 8; round += 1) await queue.passPause(worker);
      expect(seen).toEqual([]);
      expect(await queue.rows()).toMatchObject([
        { deadAt: expect.any(Number), lastError: expect.any(String) },
      ]);
    },
  );

  test('is dead for whoever hears of its burial, and may queue the same work again', async () => {
    const done: string[] = [];
    const queued = Promise.withResolvers<void>();
    const enqueue = (name: string): Promise<void> =>
      queue.database.transaction((tx) =>
        queue.jobs.enqueue(tx, work, { payload: { name }, uniqueKey: 'one at a time' }),
      );
    const worker = await queue.startWorker([
      lane(
        async ({ payload }) => {
          if (payload.name === 'broken') throw new PermanentFailure('not ever');
          done.push(payload.name);
        },
        { bury: async (tx) => afterCommit(tx, () => queued.resolve(enqueue('mended'))) },
      ),
    ]);
    await enqueue('broken');
    await queued.promise;
    await worker.idle();
    expect(done).toEqual(['mended']);
  });

  test('is not lost by an undertaker that fails once, nor kept alive by one that always does', async () => {
    let calls = 0;
    const worker = await queue.startWorker([
      lane(
        async () => {
          throw new Error('no');
        },
        {
          bury: async (_tx, { payload }) => {
            calls += 1;
            if (payload.name === 'always' || calls === 1) throw new Error('the spade broke');
          },
        },
      ),
    ]);
    await queue.enqueue('once');
    await worker.idle();
    for (let round = 0; round < 4; round += 1) await queue.passPause(worker);
    expect(calls).toBe(2);
    expect(await queue.rows()).toMatchObject([{ attempts: 4, deadAt: expect.any(Number) }]);
    await queue.enqueue('always');
    await worker.idle();
    for (let round = 0; round < 12; round += 1) await queue.passPause(worker);
    expect((await queue.rows()).map((row) => row.deadAt !== null)).toEqual([true, true]);
  });
});
