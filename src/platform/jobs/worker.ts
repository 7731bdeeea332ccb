// Looks for jobs and has them run: each lane claims what it has room for, and at the stop gives unfinished work back
// to the queue.
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../database/database.ts';
import type { Logger } from '../logger.ts';
import { claim, nextDue, releaseAbandoned } from './claims.ts';
import { newLeaseHolder } from './holder.ts';
import { type AroundRun, createRunner, type Registration } from './runs.ts';

export { handle } from './runs.ts';

export interface Worker extends AsyncDisposable {
  /** Frees what dead processes of this machine held, now and every 5 s, and begins. */
  start(): Promise<void>;
  /** Says that a job may be waiting; safe to lose, as the worker also looks by itself. */
  wake(): void;
  /** Of a worker that was started: resolves when no job is due and none runs. */
  idle(): Promise<void>;
  /** Stops claiming, aborts what runs and gives it back. */
  stop(): Promise<void>;
}

/** Jobs of one lane run at most `concurrency` at a time, apart from the other lanes. */
export interface Lane {
  readonly name: string;
  readonly concurrency: number;
  readonly registrations: readonly Registration[];
}

interface WorkerOptions {
  database: Database;
  lanes: readonly Lane[];
  logger: Logger;
  now: () => number;
  around?: AroundRun | undefined;
  /** The longest time between two looks at the queue, in milliseconds. */
  pollMs?: number;
}

/** Milliseconds between two looks for jobs of processes that died on this machine. */
const TIDY_MS = 5_000;

export function createWorker(options: WorkerOptions): Worker {
  const lanes = options.lanes.map((lane) => createLane(lane, options));
  const kinds = lanes.flatMap((lane) => lane.kinds);
  const wake = (): void => lanes.forEach((lane) => lane.wake());
  const tidy = (): Promise<void> =>
    releaseAbandoned(options.database).then(wake, (error: unknown) =>
      options.logger.warn({ err: error }, 'the leases of dead processes could not be freed'),
    );
  let tidying: NodeJS.Timeout | undefined;
  const stop = async (): Promise<void> => {
    clearInterval(tidying);
    await Promise.all(lanes.map((lane) => lane.stop()));
  };
  return {
    async start() {
      await releaseAbandoned(options.database);
      tidying ??= setInterval(() => void tidy(), TIDY_MS);
      for (const lane of lanes) lane.start();
    },
    wake,
    async idle() {
      for (;;) {
        if (lanes.every((lane) => lane.isQuiet())) {
          const due = (await nextDue(options.database, kinds)) ?? Infinity;
          if (due > options.now() && lanes.every((lane) => lane.isQuiet())) return;
          wake();
        }
        await delay(5);
      }
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function createLane({ concurrency, registrations }: Lane, options: WorkerOptions) {
  const { database, logger, now, pollMs = 2_000 } = options;
  const run = createRunner(options);
  const byName = new Map(registrations.map((registration) => [registration.kind.name, registration]));
  const kinds = [...byName.keys()];
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const bell = createBell();
  let claiming = false;
  let looping: Promise<void> | undefined;

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      claiming = true;
      const pause = await claimAll().catch((error: unknown) => {
        logger.error({ err: error }, 'the job queue could not be read');
        return pollMs;
      });
      claiming = false;
      await bell.wait(pause);
    }
  }

  /** Fills the lane and answers for how many milliseconds there is nothing more to claim. */
  async function claimAll(): Promise<number> {
    while (running.size < concurrency && !stopping.signal.aborted) {
      const holder = newLeaseHolder();
      const job = await claim(database, { holder, kinds, now: now() });
      if (!job) {
        const due = await nextDue(database, kinds);
        return Math.min(pollMs, Math.max(5, (due ?? Infinity) - now()));
      }
      const registration = byName.get(job.kind);
      if (!registration) throw new Error(`a job of kind ${job.kind} was claimed and nobody here does it`);
      const ending = run({ job, registration, holder, stopping: stopping.signal }).finally(() => {
        running.delete(ending);
        bell.ring();
      });
      running.add(ending);
    }
    return pollMs;
  }

  return {
    kinds,
    start(): void {
      looping ??= loop();
    },
    wake: bell.ring,
    isQuiet: () => !claiming && running.size === 0,
    async stop(): Promise<void> {
      stopping.abort(new Error('the server is stopping'));
      bell.ring();
      await looping;
      await Promise.all(running);
    },
  };
}

/** A pause that anybody may end early; a ring that comes before the wait is not lost. */
function createBell() {
  let rung = false;
  let wakeUp: (() => void) | undefined;
  return {
    ring(): void {
      rung = true;
      wakeUp?.();
    },
    async wait(milliseconds: number): Promise<void> {
      if (!rung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wakeUp = resolve;
        const timer = setTimeout(resolve, milliseconds);
        await promise;
        clearTimeout(timer);
      }
      rung = false;
      wakeUp = undefined;
    },
  };
}
