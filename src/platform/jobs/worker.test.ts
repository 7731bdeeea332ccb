import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createGate,
  lane,
  openTestQueue,
  other,
  type Payload,
  type TestQueue,
  work,
} from '../../../test/support/workers.ts';
import { createLogger } from '../logger.ts';
import { createJobs, type JobHandler } from './jobs.ts';
import { createWorker, handle } from './worker.ts';

let queue: TestQueue;
beforeEach(async () => {
  queue = await openTestQueue();
});
afterEach(() => queue[Symbol.asyncDispose]());

describe('a job', () => {
  test('runs once, in the order of priority and age, and is gone', async () => {
    const seen: string[] = [];
    for (const name of ['a', 'b', 'c']) await queue.enqueue(name);
    await queue.database.transaction((tx) =>
      tx.updateTable('jobs').set({ priority: 5 }).where('payload', 'like', '%"c"%').execute(),
    );
    const worker = await queue.startWorker([
      lane(async ({ payload, attempt, signal }) => {
        seen.push(`${payload.name}${attempt}${signal.aborted}`);
      }),
    ]);
    await worker.idle();
    expect(seen).toEqual(['c1false', 'a1false', 'b1false']);
    expect(await queue.rows()).toEqual([]);
  });

  test('that is enqueued while the worker sleeps wakes it at once', async () => {
    const done = Promise.withResolvers<void>();
    const worker = await queue.startWorker([lane(async () => done.resolve())]);
    await worker.idle();
    const began = performance.now();
    await queue.enqueue('now');
    await done.promise;
    // Sooner than it would have looked by itself.
    expect(performance.now() - began).toBeLessThan(1_900);
  });

  test('that another process enqueued is found without being told', async () => {
    const done = Promise.withResolvers<string>();
    const worker = await queue.startWorker([lane(async ({ payload }) => done.resolve(payload.name))]);
    await worker.idle();
    await queue.database.transaction((tx) =>
      createJobs({ now: queue.now }).enqueue(tx, work, { payload: { name: 'from afar' } }),
    );
    expect(await done.promise).toBe('from afar');
  });

  test('for later waits for its time', async () => {
    const seen: string[] = [];
    const worker = await queue.startWorker([lane(async ({ payload }) => void seen.push(payload.name))]);
    await queue.database.transaction((tx) =>
      queue.jobs.enqueue(tx, work, { payload: { name: 'later' }, runAt: queue.clock + 60_000 }),
    );
    await worker.idle();
    expect(seen).toEqual([]);
    queue.clock += 60_000;
    worker.wake();
    await worker.idle();
    expect(seen).toEqual(['later']);
  });

  test('of a kind that nobody here does is not touched', async () => {
    await queue.enqueue('strange', other);
    await queue.enqueue('known');
    const before = (await queue.rows())[0];
    const worker = await queue.startWorker([lane(async () => undefined)]);
    await worker.idle();
    expect(await queue.rows()).toEqual([before]);
  });

  test('may enqueue another one of any lane, and idle waits for that too', async () => {
    const seen: string[] = [];
    const worker = await queue.startWorker([
      {
        name: 'others',
        concurrency: 1,
        registrations: [handle(other, async () => void seen.push('second'))],
      },
      lane(async () => {
        await setImmediate();
        await queue.enqueue('next', other);
        seen.push('first');
      }),
    ]);
    await queue.enqueue('start');
    await worker.idle();
    expect(seen).toEqual(['first', 'second']);
  });
});

describe('lanes', () => {
  test('run as many at a time as they may, and do not wait for each other', async () => {
    const gate = createGate();
    let running = 0;
    let most = 0;
    const seen: string[] = [];
    const worker = await queue.startWorker([
      lane(
        async (run) => {
          running += 1;
          most = Math.max(most, running);
          await gate.handler(run);
          running -= 1;
        },
        { concurrency: 2 },
      ),
      {
        name: 'others',
        concurrency: 1,
        registrations: [handle(other, async ({ payload }) => void seen.push(payload.name))],
      },
    ]);
    for (const name of ['a', 'b', 'c', 'd']) await queue.enqueue(name);
    await gate.reached;
    await queue.enqueue('quick', other);
    await expect.poll(() => seen).toEqual(['quick']);
    gate.open();
    await worker.idle();
    expect(most).toBe(2);
    expect(await queue.rows()).toEqual([]);
  });

  test('share the work with other workers, each job done once', async () => {
    const seen: string[] = [];
    const names = Array.from({ length: 60 }, (_, index) => `job ${index}`);
    await queue.database.transaction(async (tx) => {
      for (const name of names) await queue.jobs.enqueue(tx, work, { payload: { name } });
    });
    const handler: JobHandler<Payload> = async ({ payload }) => {
      await setImmediate();
      seen.push(payload.name);
    };
    const workers = await Promise.all(
      [1, 2, 3].map(() => queue.startWorker([lane(handler, { concurrency: 3 })])),
    );
    await Promise.all(workers.map((worker) => worker.idle()));
    expect(seen.toSorted()).toEqual(names.toSorted());
  });
});

describe('stopping', () => {
  test('aborts what runs and gives it back without counting the try', async () => {
    const gate = createGate();
    const worker = await queue.startWorker([lane(gate.handler)]);
    await queue.enqueue('unfinished');
    const { signal } = await gate.reached;
    await worker.stop();
    expect(signal.aborted).toBe(true);
    expect(await queue.rows()).toMatchObject([
      { attempts: 0, leaseHolder: null, leaseUntil: 0, deadAt: null },
    ]);
    const seen: number[] = [];
    const next = await queue.startWorker([lane(async ({ attempt }) => void seen.push(attempt))]);
    await next.idle();
    expect(seen).toEqual([1]);
  });

  test('waits for one that finishes all the same, and claims nothing more', async () => {
    const reached = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const worker = await queue.startWorker([
      lane(async () => {
        reached.resolve();
        await finish.promise;
      }),
    ]);
    await queue.enqueue('stubborn');
    await queue.enqueue('next');
    await reached.promise;
    const stopped = worker.stop();
    finish.resolve();
    await stopped;
    expect(await queue.rows()).toMatchObject([{ payload: '{"name":"next"}', attempts: 0, leaseUntil: 0 }]);
  });

  test('twice, or before the start, is no error', async () => {
    const worker = createWorker({
      ...{ database: queue.database, logger: createLogger('silent'), now: queue.now },
      lanes: [lane(async () => undefined)],
    });
    await worker.stop();
    await worker.stop();
    await queue.enqueue('waits');
    await worker.start();
    await worker.stop();
    expect(await queue.rows()).toHaveLength(1);
  });
});

describe('a worker', () => {
  test('that cannot read the queue looks again', async () => {
    const seen: string[] = [];
    const { counted, database } = countTransactions(queue);
    counted.broken = true;
    await queue.startWorker([lane(async ({ payload }) => void seen.push(payload.name))], {
      database,
      pollMs: 5,
    });
    await queue.enqueue('patient');
    await expect.poll(() => counted.looks).toBeGreaterThan(2);
    expect(seen).toEqual([]);
    counted.broken = false;
    await expect.poll(() => seen).toEqual(['patient']);
  });

  test('with nothing to do hardly looks at the queue', async () => {
    const { counted, database } = countTransactions(queue);
    await queue.startWorker([lane(async () => undefined)], { database, pollMs: 100 });
    await delay(1_000);
    expect(counted.looks).toBeGreaterThan(3);
    expect(counted.looks).toBeLessThan(15);
  });

  test('with all its places taken does not look at all', async () => {
    const { counted, database } = countTransactions(queue);
    const gate = createGate();
    await queue.startWorker([lane(gate.handler)], { database, pollMs: 5 });
    await queue.enqueue('long');
    await queue.enqueue('next');
    await gate.reached;
    const before = counted.looks;
    await delay(200);
    expect(counted.looks).toBe(before);
    gate.open();
  });
});

/** The queue's database, which counts how often a transaction is asked for and may fail at it. */
function countTransactions({ database }: TestQueue) {
  const counted = { looks: 0, broken: false };
  return {
    counted,
    database: {
      ...database,
      transaction: ((transaction) => {
        counted.looks += 1;
        if (counted.broken) throw new Error('the database is away');
        return database.transaction(transaction);
      }) satisfies TestQueue['database']['transaction'] as TestQueue['database']['transaction'],
    },
  };
}
