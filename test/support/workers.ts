// A queue with workers for a test: its own database, and a clock that stands still until the test moves it.
import {
  type JobHandler,
  type JobKind,
  type Jobs,
  type Undertaker,
  createJobs,
  defineJob,
} from '../../src/platform/jobs/jobs.ts';
import { createWorker, handle, type Lane, type Worker } from '../../src/platform/jobs/worker.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { z } from 'zod';
import { openTestDatabase, type TestDatabase } from './databases.ts';

const schema = z.object({ name: z.string() });
export const work = defineJob('work', { schema, maxAttempts: 3 });
export const other = defineJob('other', { schema });
export type Payload = z.infer<typeof schema>;

export interface TestQueue extends AsyncDisposable {
  readonly database: TestDatabase['database'];
  /** For a test's own files; goes with the queue. */
  readonly folder: string;
  readonly jobs: Jobs;
  /** Epoch milliseconds; a test sets it. */
  clock: number;
  readonly now: () => number;
  enqueue(name: string, kind?: JobKind<Payload>): Promise<void>;
  rows(): Promise<Awaited<ReturnType<typeof readRows>>>;
  /** Changes all jobs. */
  change(set: object): Promise<unknown>;
  /** Started, and stopped with the queue. */
  startWorker(
    lanes: readonly Lane[],
    options?: { pollMs?: number; database?: TestDatabase['database'] },
  ): Promise<Worker>;
  /** Lets the clock pass the longest pause there is before the next try, and that try end. */
  passPause(worker: Worker): Promise<void>;
}

export async function openTestQueue(): Promise<TestQueue> {
  const opened = await openTestDatabase();
  const { database, folder } = opened;
  const workers: Worker[] = [];
  const jobs = createJobs({ now: () => queue.clock });
  const queue: TestQueue = {
    ...{ database, folder, jobs, clock: Date.now(), now: () => queue.clock },
    enqueue: (name, kind = work) =>
      database.transaction((tx) => jobs.enqueue(tx, kind, { payload: { name } })),
    rows: () => readRows(database),
    change: (set) => database.transaction((tx) => tx.updateTable('jobs').set(set).execute()),
    async startWorker(lanes, options = {}) {
      const worker = createWorker({
        database,
        lanes,
        logger: createLogger('silent'),
        now: queue.now,
        ...options,
      });
      workers.push(worker);
      jobs.onEnqueued(() => worker.wake());
      await worker.start();
      return worker;
    },
    async passPause(worker) {
      queue.clock += 750_000;
      worker.wake();
      await worker.idle();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(workers.map((worker) => worker.stop()));
      await opened[Symbol.asyncDispose]();
    },
  };
  return queue;
}

/** A lane for jobs of the kind `work`. */
export const lane = (
  handler: JobHandler<Payload>,
  { bury, concurrency = 1 }: { bury?: Undertaker<Payload>; concurrency?: number } = {},
): Lane => ({ name: 'lane', concurrency, registrations: [handle(work, handler, bury)] });

/** A handler that waits to be let go on, ends early when it is aborted, and says when it was reached. */
export function createGate() {
  const reached = Promise.withResolvers<{ signal: AbortSignal }>();
  const open = Promise.withResolvers<void>();
  return {
    reached: reached.promise,
    open: open.resolve,
    handler: (async ({ signal }) => {
      reached.resolve({ signal });
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => aborted.resolve());
      await Promise.race([open.promise, aborted.promise]);
      signal.throwIfAborted();
    }) satisfies JobHandler<Payload>,
  };
}

function readRows(database: TestDatabase['database']) {
  return database.read.selectFrom('jobs').selectAll().orderBy('id').execute();
}
