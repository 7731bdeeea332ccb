// Whether this process can serve, part by part. Asking is cheap: a report is kept for a moment, many who ask at once share one, and
// a part that does not answer is not waited for. Reasons are for anybody to read: no paths, no hosts, nothing of the inside.
import type { Logger } from '../logger.ts';

/** `degraded`: something is missing and the site serves all the same. */
export type Status = 'ready' | 'degraded' | 'unready';

export interface Finding {
  status: Status;
  reason?: string;
}

export interface Report {
  status: Status;
  checks: Record<string, Finding>;
}

/** Looks at one part. When it throws, the process is `lacking`; `Unready` says a reason, anything else has `otherwise`. */
export interface Check {
  readonly name: string;
  /** `unready`, unless it is said. */
  readonly lacking?: Status;
  readonly otherwise: string;
  look(): Promise<Finding> | Finding;
}

export interface Health {
  report(): Promise<Report>;
  /** From now on reports say that this process is about to go, so that nothing new is sent here. */
  drain(): void;
  readonly isDraining: boolean;
}

export class Unready extends Error {
  override readonly name = 'Unready';
}

const KEPT_MS = 800;
const PATIENCE_MS = 2_000;

export function createHealth({ checks, logger }: { checks: readonly Check[]; logger: Logger }): Health {
  let draining = false;
  let kept: { at: number; findings: Promise<Record<string, Finding>> } | undefined;
  const known = new Map<string, Status>();

  async function lookAtAll(): Promise<Record<string, Finding>> {
    const findings = await Promise.all(checks.map((check) => look(check)));
    return Object.fromEntries(findings.map((finding, place) => [checks[place]?.name ?? '', finding]));
  }

  async function look(check: Check): Promise<Finding> {
    let cause: unknown;
    const finding = await withPatience(async () => check.look()).catch((error: unknown): Finding => {
      cause = error;
      const reason = error instanceof Unready ? error.message : check.otherwise;
      return { status: check.lacking ?? 'unready', reason };
    });
    note(check.name, finding, cause);
    return finding;
  }

  /** The log has the reason that others do not see, once for each change. */
  function note(part: string, { status, reason }: Finding, cause: unknown): void {
    const before = known.get(part) ?? 'ready';
    known.set(part, status);
    if (status === before) return;
    if (status === 'ready') logger.info({ part }, 'a part of the site is well again');
    else logger.warn({ part, status, reason, err: cause }, 'a part of the site is not well');
  }

  return {
    async report() {
      const now = performance.now();
      if (!kept || now - kept.at > KEPT_MS) kept = { at: now, findings: lookAtAll() };
      const checks = { ...(await kept.findings) };
      checks['draining'] = draining
        ? { status: 'unready', reason: 'this process is about to stop' }
        : { status: 'ready' };
      return { status: worst(Object.values(checks)), checks };
    },
    drain() {
      draining = true;
    },
    get isDraining() {
      return draining;
    },
  };
}

async function withPatience<T>(work: () => Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Unready('no answer in time')), PATIENCE_MS);
  try {
    return await Promise.race([work(), promise]);
  } finally {
    clearTimeout(timer);
  }
}

function worst(findings: readonly Finding[]): Status {
  const statuses = findings.map(({ status }) => status);
  return (['unready', 'degraded'] as const).find((status) => statuses.includes(status)) ?? 'ready';
}
