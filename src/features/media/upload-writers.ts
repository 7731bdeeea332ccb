// The writers of this process that hold a lease on an upload or on a part of one: each keeps it for as long as it writes,
// and stops when somebody else wants to. A writer on another node is told so by a mark on its row.
import { setTimeout as delay } from 'node:timers/promises';
import { unavailable } from '../../platform/errors.ts';
import { isGone } from '../../platform/jobs/holder.ts';

export const LEASE_MS = 30_000;
/** A writer that has not heard of its lease for so long does not trust it any more: others may have it soon. */
const TRUST_MS = 20_000;
const RENEW_MS = 8_000;
const LOOK_MS = 500;
const PATIENCE_MS = 3_000;
const PAUSE_MS = 25;

/** The row that says who writes. */
export interface LeasedRow {
  leaseHolder: string | null;
  leaseUntil: number;
}

/** How a writer keeps its lease. */
export interface Keeping {
  /** Makes the lease last; false when somebody else has it. */
  renew(): Promise<boolean>;
  /** Whether it is still held and nobody else waits for it. */
  isUndisturbed(): Promise<boolean>;
}

export interface Writer extends Disposable {
  /** Aborted when the writer has to come to an end: it is wanted elsewhere, or lost. */
  readonly ended: AbortSignal;
  /** Throws `unavailable` (`upload_busy`) when the lease may be somebody else's by now. Asked before each write. */
  confirm(): void;
}

export interface Writers {
  begin(holder: string, keeping: Keeping): Writer;
  /** Asks a writer of this process to stop; false when it is none of this process. */
  stop(holder: string): boolean;
}

export function createWriters(): Writers {
  const here = new Map<string, AbortController>();
  return {
    begin(holder, keeping) {
      const end = new AbortController();
      here.set(holder, end);
      let trustedAt = performance.now();
      let renewedAt = trustedAt;
      async function look(): Promise<void> {
        const at = performance.now();
        if (at - renewedAt > RENEW_MS) {
          renewedAt = at;
          if (await keeping.renew()) trustedAt = at;
          else end.abort();
        }
        if (!(await keeping.isUndisturbed())) end.abort();
      }
      // What cannot be asked just now is asked again; trust runs out by itself.
      const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
      timer.unref();
      return {
        ended: end.signal,
        confirm() {
          if (performance.now() - trustedAt > TRUST_MS) throw busy();
        },
        [Symbol.dispose]() {
          clearInterval(timer);
          here.delete(holder);
        },
      };
    },
    stop(holder) {
      const end = here.get(holder);
      end?.abort();
      return end !== undefined;
    },
  };
}

/** Whether a writer that may still be alive has it. */
export const isWrittenTo = ({ leaseHolder, leaseUntil }: LeasedRow, at: number): boolean =>
  leaseHolder !== null && leaseUntil > at && !isGone(leaseHolder);

/** What `attempt` gives as soon as it gives something. Throws `unavailable` (`upload_busy`) after 3 s. */
export async function patiently<T>(attempt: () => Promise<T | undefined>): Promise<T> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await attempt();
    if (found !== undefined) return found;
    if (performance.now() > giveUpAt) throw busy();
    await delay(PAUSE_MS);
  }
}

export const busy = () =>
  unavailable('upload_busy', 'Another request is writing to this upload. Please try again.', {
    retryAfter: 1,
  });
