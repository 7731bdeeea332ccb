// The job queue: rows in the same database, written in the transaction of their cause. A job runs at least once;
// handlers are written so that running one twice is harmless. `tables.ts` describes a job's states at its type.
import type { z } from 'zod';
import { afterCommit, type Transaction } from '../database/database.ts';
import { currentRequestId } from '../request-id.ts';

/** A kind of work. Made once with `defineJob`, then enqueued by verbs and handled in the composition root. */
export interface JobKind<Payload> {
  readonly name: string;
  readonly schema: z.ZodType<Payload>;
  /** Tries before the job is dead. */
  readonly maxAttempts: number;
  /** Milliseconds before the second try; four times as many before each further one, at most 10 min. */
  readonly pauseMs: number;
  /** Higher runs first. */
  readonly priority: number;
}

export interface JobRun<Payload> {
  readonly id: number;
  readonly payload: Payload;
  /** 1 at the first try. */
  readonly attempt: number;
  /** Aborted when the worker stops or when the lease was lost: stop at once and publish nothing. */
  readonly signal: AbortSignal;
  /** Throws when the lease went to another worker: called in the transaction that publishes a result, it keeps latecomers out. */
  confirm(tx: Transaction): Promise<void>;
}

export type JobHandler<Payload> = (run: JobRun<Payload>) => Promise<void>;

/** Called in the transaction in which a job becomes dead, also when its last try died with the process. */
export type Undertaker<Payload> = (
  tx: Transaction,
  job: { payload: Payload; error: unknown },
) => Promise<void>;

/** A failure that another try cannot mend: the job is dead at once. */
export class PermanentFailure extends Error {
  override readonly name = 'PermanentFailure';
}

export function defineJob<Schema extends z.ZodType>(
  name: string,
  options: { schema: Schema; maxAttempts?: number; pauseMs?: number; priority?: number },
): JobKind<z.infer<Schema>> {
  const { schema, maxAttempts = 5, pauseMs = 1_000, priority = 0 } = options;
  return { name, schema: schema as unknown as z.ZodType<z.infer<Schema>>, maxAttempts, pauseMs, priority };
}

export interface Enqueued<Payload> {
  payload: Payload;
  /** While a job with this key waits or runs, enqueueing it again changes nothing. */
  uniqueKey?: string;
  /** Epoch milliseconds; at once when absent. */
  runAt?: number;
  /** In place of the kind's own. */
  priority?: number;
}

export interface Jobs {
  /** Writes a job in `tx`. It exists when, and only when, `tx` commits. It goes back to the request that is being answered. */
  enqueue<Payload>(tx: Transaction, kind: JobKind<Payload>, job: Enqueued<Payload>): Promise<void>;
  /** Calls `listener` after each commit that wrote a job: a hint, workers also look by themselves. */
  onEnqueued(listener: () => void): void;
}

export function createJobs({ now }: { now: () => number }): Jobs {
  const listeners: (() => void)[] = [];
  return {
    async enqueue(tx, kind, job) {
      const createdAt = now();
      await tx
        .insertInto('jobs')
        .values({
          kind: kind.name,
          payload: JSON.stringify(kind.schema.parse(job.payload)),
          uniqueKey: job.uniqueKey === undefined ? null : `${kind.name}:${job.uniqueKey}`,
          priority: job.priority ?? kind.priority,
          runAt: job.runAt ?? createdAt,
          maxAttempts: kind.maxAttempts,
          createdAt,
          requestId: currentRequestId() ?? null,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      afterCommit(tx, () => listeners.forEach((listener) => listener()));
    },
    onEnqueued: (listener) => void listeners.push(listener),
  };
}
