// One run of one claimed job: keeps its lease, hands it to its handler and says afterwards what became of it.
// Whoever lost the lease says nothing: by then the job is another's.
import type { Database, Transaction } from '../database/database.ts';
import type { Logger } from '../logger.ts';
import { onBehalfOf } from '../request-id.ts';
import {
  type ClaimedJob,
  fail,
  type Failure,
  finish,
  heartbeat,
  isHeld,
  type Lease,
  LEASE_MS,
  release,
} from './claims.ts';
import { type JobHandler, type JobKind, PermanentFailure, type Undertaker } from './jobs.ts';

/** A kind of job with those who do it. */
export interface Registration {
  kind: JobKind<unknown>;
  handler: JobHandler<unknown>;
  bury: Undertaker<unknown> | undefined;
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

interface Run {
  job: ClaimedJob;
  registration: Registration;
  /** The name it was claimed under. */
  holder: string;
  /** Aborted when the worker stops. */
  stopping: AbortSignal;
}

export type Outcome = 'done' | 'failed' | 'dead' | 'given back' | 'lost';

/** Wraps each run of a job. */
export type AroundRun = (
  job: { id: number; kind: string; attempt: number; requestId: string | undefined },
  run: () => Promise<Outcome>,
) => Promise<Outcome>;

const LEASE_LOST = 'the lease was lost';
/** How often a broken undertaker is called again before the job is dead without it. */
const BURIALS = 3;

/** The function that runs a job to whatever end; it never rejects. */
export function createRunner({
  database,
  logger,
  now,
  around = async (_job, run) => run(),
}: {
  database: Database;
  logger: Logger;
  now: () => number;
  around?: AroundRun | undefined;
}): (run: Run) => Promise<void> {
  return async (run) => {
    const { id, kind, attempts: attempt } = run.job;
    const requestId = run.job.requestId ?? undefined;
    const begun = performance.now();
    const outcome = await onBehalfOf(requestId, () =>
      around({ id, kind, attempt, requestId }, () => runOnce(run)),
    );
    const ms = Math.round(performance.now() - begun);
    logger.info({ ...naming(run.job), attempt, outcome, ms }, 'job');
  };

  async function runOnce(run: Run): Promise<Outcome> {
    const { job, holder, stopping } = run;
    const lease = { id: job.id, holder };
    const lost = new AbortController();
    const beat = setInterval(() => {
      heartbeat(database, { ...lease, now: now() })
        .then((ours) => ours || lost.abort(new Error(LEASE_LOST)))
        .catch((error: unknown) => logger.warn({ err: error, ...naming(job) }, 'a heartbeat failed'));
    }, LEASE_MS / 3);
    try {
      await perform(run, { lease, signal: AbortSignal.any([stopping, lost.signal]) });
      await finish(database, lease);
      return 'done';
    } catch (error) {
      return await settle(run, { lease, error }).catch((failure: unknown) => {
        logger.error({ err: failure, ...naming(job) }, 'a job could not be given back');
        return 'failed' as const;
      });
    } finally {
      clearInterval(beat);
    }
  }

  async function settle(run: Run, { lease, error }: { lease: Lease; error: unknown }): Promise<Outcome> {
    const { job, registration, stopping } = run;
    if (stopping.aborted) {
      await release(database, lease);
      return 'given back';
    }
    const hopeless = error instanceof PermanentFailure || job.attempts >= job.maxAttempts;
    logger.warn({ err: error, ...naming(job), attempt: job.attempts, hopeless }, 'a job failed');
    const message = error instanceof Error ? error.message : String(error);
    const failure = { ...lease, error: message, now: now() };
    const buried = hopeless ? await bury(run, { failure, error }) : undefined;
    if (buried) return buried;
    const runAt = now() + backOff(job.attempts, registration.kind);
    const isOurs = await database.transaction((tx) => fail(tx, { ...failure, runAt }));
    return isOurs ? 'failed' : 'lost';
  }

  /**
   * In one transaction with its end: whoever hears of the one may queue the same work again. Undefined when the undertaker
   * failed and is to be called again later; its own tries are bounded too.
   */
  async function bury(
    { job, registration }: Run,
    { failure, error }: { failure: Failure; error: unknown },
  ): Promise<Outcome | undefined> {
    const end = (undertake?: (tx: Transaction) => Promise<void>): Promise<Outcome> =>
      database.transaction(async (tx) => {
        if (!(await fail(tx, { ...failure, runAt: undefined }))) return 'lost';
        await undertake?.(tx);
        return 'dead';
      });
    try {
      return await end(async (tx) => {
        const payload = registration.kind.schema.safeParse(JSON.parse(job.payload));
        if (payload.success) await registration.bury?.(tx, { payload: payload.data, error });
      });
    } catch (broken) {
      logger.error({ err: broken, ...naming(job) }, 'a job could not be buried');
      return job.attempts < job.maxAttempts + BURIALS ? undefined : end();
    }
  }
}

/** How the log names it, and under which id to look for its request. */
const naming = ({ id, kind, requestId }: ClaimedJob) => ({ job: id, kind, reqId: requestId ?? undefined });

async function perform(
  { job, registration: { kind, handler } }: Run,
  { lease, signal }: { lease: Lease; signal: AbortSignal },
): Promise<void> {
  const payload = kind.schema.parse(JSON.parse(job.payload));
  // One more than allowed: the last try ended with its process and nobody was left to say so.
  if (job.attempts > job.maxAttempts) throw new PermanentFailure('the last try ended with its process');
  await handler({
    id: job.id,
    payload,
    attempt: job.attempts,
    signal,
    confirm: (tx) => confirmLease(tx, lease),
  });
}

async function confirmLease(tx: Transaction, lease: Lease): Promise<void> {
  if (!(await isHeld(tx, lease))) throw new Error(LEASE_LOST);
}

/** Whole milliseconds before try n + 1, ± 25 % so that failures do not come in step. */
function backOff(attempts: number, { pauseMs }: JobKind<unknown>): number {
  return Math.round(Math.min(600_000, pauseMs * 4 ** (attempts - 1)) * (0.75 + Math.random() / 2));
}
