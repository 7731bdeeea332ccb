// Runs jobs: claims one at a time per lane, keeps its lease, retries with growing jittered pauses, and at the stop
// gives unfinished work back to the queue.
import { setImmediate } from 'node:timers/promises';
import type { Database, Transaction } from '../database/database.ts';
import type { Logger } from '../logger.ts';
import {
  type ClaimedJob,
  claim,
  fail,
  finish,
  heartbeat,
  isHeld,
  LEASE_MS,
  nextDue,
  release,
  releaseAbandoned,
} from './claims.ts';
import { leaseHolder } from './holder.ts';
import { type JobHandler, type JobKind, PermanentFailure, type Undertaker } from './jobs.ts';

export interface Worker extends AsyncDisposable {
  /** Frees what dead processes held, then begins. */
  start(): Promise<void>;
  /** Says that a job may be waiting; safe to lose, as the worker also looks by itself. */
  wake(): void;
  /** Resolves when no job is due and none runs. */
  idle(): Promise<void>;
  /** Stops claiming, aborts what runs and gives it back. */
  stop(): Promise<void>;
}

interface Registration {
  kind: JobKind<unknown>;
  handler: JobHandler<unknown>;
  bury: Undertaker<unknown> | undefined;
}

/** Jobs of one lane run at most `concurrency` at a time, apart from the other lanes. */
export interface Lane {
  readonly name: string;
  readonly concurrency: number;
  readonly registrations: readonly Registration[];
}

export function handle<Payload>(
  kind: JobKind<Payload>,
  handler: JobHandler<Payload>,
  bury?: Undertaker<Payload>,
): Registration {
  return {
    kind: kind as JobKind<unknown>,
    handler: handler as JobHandler<unknown>,
    bury: bury as Undertaker<unknown> | undefined,
  };
}

interface WorkerOptions {
  database: Database;
  lanes: readonly Lane[];
  logger: Logger;
  now: () => number;
  /** The longest time between two looks at the queue, in milliseconds. */
  pollMs?: number;
}

export function createWorker(options: WorkerOptions): Worker {
  const lanes = options.lanes.map((lane) => createLane(lane, options));
  const stop = async (): Promise<void> => {
    await Promise.all(lanes.map((lane) => lane.stop()));
  };
  return {
    async start() {
      await releaseAbandoned(options.database);
      for (const lane of lanes) lane.start();
    },
    wake: () => lanes.forEach((lane) => lane.wake()),
    async idle() {
      await Promise.all(lanes.map((lane) => lane.idle()));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function createLane({ concurrency, registrations }: Lane, options: WorkerOptions) {
  const { database, logger, now, pollMs = 2_000 } = options;
  const byName = new Map(registrations.map((registration) => [registration.kind.name, registration]));
  const kinds = [...byName.keys()];
  const running = new Set<Promise<void>>();
  const stopping = new AbortController();
  const bell = createBell();
  let looping: Promise<void> | undefined;

  async function loop(): Promise<void> {
    while (!stopping.signal.aborted) {
      const pause = await claimAll().catch((error: unknown) => {
        logger.error({ err: error }, 'the job queue could not be read');
        return pollMs;
      });
      await bell.wait(pause);
    }
  }

  /** Fills the lane and answers for how many milliseconds there is nothing more to claim. */
  async function claimAll(): Promise<number> {
    while (running.size < concurrency && !stopping.signal.aborted) {
      const job = await claim(database, { holder: leaseHolder, kinds, now: now() });
      if (!job) {
        const due = await nextDue(database, kinds);
        return Math.min(pollMs, Math.max(5, (due ?? Infinity) - now()));
      }
      const run = runJob(job).finally(() => {
        running.delete(run);
        bell.ring();
      });
      running.add(run);
    }
    return pollMs;
  }

  async function runJob(job: ClaimedJob): Promise<void> {
    const lost = new AbortController();
    const signal = AbortSignal.any([stopping.signal, lost.signal]);
    const beat = setInterval(() => {
      heartbeat(database, { id: job.id, holder: leaseHolder, now: now() })
        .then((ours) => ours || lost.abort(new Error('the lease was lost')))
        .catch((error: unknown) => logger.warn({ err: error, job: job.id }, 'a heartbeat failed'));
    }, LEASE_MS / 3);
    const { kind, handler } = byName.get(job.kind) ?? missingHandler(job.kind);
    try {
      const payload = kind.schema.parse(JSON.parse(job.payload));
      // One more than allowed: the last try ended with its process and nobody was left to say so.
      if (job.attempts > job.maxAttempts) throw new PermanentFailure('the last try ended with its process');
      await handler({
        id: job.id,
        payload,
        attempt: job.attempts,
        signal,
        confirm: (tx) => confirmLease(tx, job),
      });
      await finish(database, { id: job.id, holder: leaseHolder });
    } catch (error) {
      await settle(job, error).catch((failure: unknown) =>
        logger.error({ err: failure, job: job.id }, 'a job could not be given back'),
      );
    } finally {
      clearInterval(beat);
    }
  }

  async function settle(job: ClaimedJob, error: unknown): Promise<void> {
    if (stopping.signal.aborted) return release(database, { id: job.id, holder: leaseHolder });
    const dead = error instanceof PermanentFailure || job.attempts >= job.maxAttempts;
    logger.warn({ err: error, job: job.id, kind: job.kind, attempt: job.attempts, dead }, 'a job failed');
    if (dead) await bury(job, error);
    await fail(database, {
      id: job.id,
      holder: leaseHolder,
      error: error instanceof Error ? error.message : String(error),
      now: now(),
      runAt: dead ? undefined : now() + backOff(job.attempts),
    });
  }

  async function bury(job: ClaimedJob, error: unknown): Promise<void> {
    const registration = byName.get(job.kind);
    const payload = registration?.kind.schema.safeParse(JSON.parse(job.payload));
    if (payload?.success) await registration?.bury?.({ payload: payload.data, error });
  }

  return {
    start(): void {
      looping ??= loop();
    },
    wake: bell.ring,
    async idle(): Promise<void> {
      for (;;) {
        await Promise.all(running);
        const due = await nextDue(database, kinds);
        if (running.size === 0 && (due ?? Infinity) > now()) return;
        bell.ring();
        await setImmediate();
      }
    },
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

/** Milliseconds before try n + 1: 1 s, 4 s, 16 s … at most 10 min, each ± 25 % so that failures do not come in step. */
function backOff(attempts: number): number {
  return Math.min(600_000, 1_000 * 4 ** (attempts - 1)) * (0.75 + Math.random() / 2);
}

async function confirmLease(tx: Transaction, job: ClaimedJob): Promise<void> {
  if (!(await isHeld(tx, { id: job.id, holder: leaseHolder }))) throw new Error('the lease was lost');
}

function missingHandler(kind: string): never {
  throw new Error(`no handler for jobs of kind ${kind}`);
}
