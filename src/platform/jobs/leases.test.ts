import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createGate, lane, openTestQueue, type TestQueue } from '../../../test/support/workers.ts';
import { LEASE_MS } from './claims.ts';
import { PermanentFailure } from './jobs.ts';
import { newLeaseHolder } from './holder.ts';

const [here] = newLeaseHolder().split('/');

let queue: TestQueue;
beforeEach(async () => {
  queue = await openTestQueue();
});
afterEach(async () => {
  vi.useRealTimers();
  await queue[Symbol.asyncDispose]();
});

describe('a lease', () => {
  test('is kept by heartbeats for as long as the job runs, so nobody else takes it', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const gate = createGate();
    const worker = await queue.startWorker([lane(gate.handler)]);
    await queue.enqueue('long');
    await gate.reached;
    const latecomers: string[] = [];
    const second = await queue.startWorker([lane(async ({ payload }) => void latecomers.push(payload.name))]);
    for (let beat = 0; beat < 6; beat += 1) {
      queue.clock += LEASE_MS / 2;
      const until = queue.clock + LEASE_MS;
      vi.advanceTimersByTime(LEASE_MS / 3);
      await expect.poll(async () => (await queue.rows())[0]?.leaseUntil).toBe(until);
      second.wake();
      await second.idle().catch(() => undefined);
    }
    gate.open();
    await worker.idle();
    expect(latecomers).toEqual([]);
    expect(await queue.rows()).toEqual([]);
  });

  test('that was lost stops the job, which can neither publish nor say how it ended', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const reached = Promise.withResolvers<void>();
    const buried: string[] = [];
    const ended = Promise.withResolvers<unknown>();
    const worker = await queue.startWorker([
      lane(
        async ({ signal, confirm }) => {
          reached.resolve();
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          await queue.database.transaction((tx) => confirm(tx)).catch(ended.resolve);
          throw new PermanentFailure('I was stopped');
        },
        { bury: async (_tx, { payload }) => void buried.push(payload.name) },
      ),
    ]);
    await queue.enqueue('taken');
    await reached.promise;
    await queue.change({ leaseHolder: 'elsewhere/1/start/1', leaseUntil: queue.clock + 9_999, attempts: 2 });
    const taken = await queue.rows();
    vi.advanceTimersByTime(LEASE_MS / 3);
    expect(await ended.promise).toMatchObject({ message: 'the lease was lost' });
    await worker.stop();
    expect(await queue.rows()).toEqual(taken);
    expect(buried).toEqual([]);
  });

  test('that ran out goes to the next worker, and only that one may publish', async () => {
    const outcomes: string[] = [];
    const gate = createGate();
    const first = await queue.startWorker([
      lane(async (run) => {
        await gate.handler(run);
        await queue.database
          .transaction((tx) => run.confirm(tx))
          .then(
            () => outcomes.push('the first published'),
            () => outcomes.push('the first was kept out'),
          );
      }),
    ]);
    await queue.enqueue('slow');
    await gate.reached;
    queue.clock += LEASE_MS + 1;
    const second = await queue.startWorker([
      lane(async ({ confirm, attempt }) => {
        await queue.database.transaction((tx) => confirm(tx));
        outcomes.push(`the second published at try ${attempt}`);
      }),
    ]);
    await expect.poll(() => outcomes).toEqual(['the second published at try 2']);
    gate.open();
    await first.idle();
    await second.idle();
    expect(outcomes).toEqual(['the second published at try 2', 'the first was kept out']);
    expect(await queue.rows()).toEqual([]);
  });

  test('that ran out while the queue.clock jumped is not taken for the same one by the same worker', async () => {
    const confirmed: number[] = [];
    const gates = [createGate(), createGate()];
    const worker = await queue.startWorker([
      lane(
        async (run) => {
          await gates[run.attempt - 1]?.handler(run);
          await queue.database.transaction((tx) => run.confirm(tx));
          confirmed.push(run.attempt);
        },
        { concurrency: 2 },
      ),
    ]);
    await queue.enqueue('twice');
    await gates[0]?.reached;
    queue.clock += 86_400_000;
    worker.wake();
    await gates[1]?.reached;
    gates[0]?.open();
    gates[1]?.open();
    await worker.idle();
    expect(confirmed).toEqual([2]);
  });

  test.each([
    ['a process of this host that is gone', () => `${here}/${2 ** 22 + 1}/start/1`],
    ['an earlier start under our own number', () => `${here}/${process.pid}/earlier/1`],
  ])('held by %s is freed at the start', async (_, holder) => {
    const seen: number[] = [];
    await queue.enqueue('orphan');
    await queue.change({ leaseHolder: holder(), leaseUntil: queue.clock + LEASE_MS, attempts: 1 });
    const worker = await queue.startWorker([lane(async ({ attempt }) => void seen.push(attempt))]);
    await worker.idle();
    expect(seen).toEqual([2]);
  });

  test.each([
    ['another host', () => `elsewhere.example/${process.pid}/start/1`],
    ['a living process of this host', () => `${here}/${process.ppid}/start/1`],
  ])('held by %s is respected until it ends', async (_, holder) => {
    const seen: number[] = [];
    await queue.enqueue('held');
    await queue.change({ leaseHolder: holder(), leaseUntil: queue.clock + LEASE_MS, attempts: 1 });
    const worker = await queue.startWorker([lane(async ({ attempt }) => void seen.push(attempt))]);
    await worker.idle();
    expect(seen).toEqual([]);
    queue.clock += LEASE_MS;
    worker.wake();
    await worker.idle();
    expect(seen).toEqual([2]);
  });

  test('of the last try that died with its process leads to the undertaker, not to a fourth try', async () => {
    const handled: string[] = [];
    const buried: string[] = [];
    await queue.enqueue('killer');
    await queue.change({
      leaseHolder: `${here}/${process.pid}/earlier/1`,
      leaseUntil: queue.clock + 1,
      attempts: 3,
    });
    const worker = await queue.startWorker([
      lane(async ({ payload }) => void handled.push(payload.name), {
        bury: async (_tx, { payload }) => void buried.push(payload.name),
      }),
    ]);
    await worker.idle();
    expect([handled, buried]).toEqual([[], ['killer']]);
    expect(await queue.rows()).toMatchObject([{ deadAt: queue.clock }]);
  });
});
