// Requests to an S3 store, as often as it takes: what failed on the way, or what the store is too busy for, is sent again a
// bounded number of times, after a random wait that grows. Every request may be repeated: what it makes has a name of its
// own or is the same each time. A signature is good for 15 minutes, so the signed request itself goes out again.
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { S3NetworkError } from 's3mini';

export interface Patience {
  /** Of one request, the first included. */
  attempts: number;
  /** Milliseconds for one attempt: until its whole answer is there, or until its head where the body is read as a stream. */
  timeoutMs: number;
  /** The same where megabytes are sent, or thousands of parts joined. */
  longTimeoutMs: number;
  /** No new attempt after so long. */
  giveUpMs: number;
  /** Milliseconds before the second attempt, at most; doubled before each further one. */
  backoffMs: number;
}

export const PATIENCE: Patience = {
  attempts: 5,
  timeoutMs: 20_000,
  longTimeoutMs: 60_000,
  giveUpMs: 40_000,
  backoffMs: 200,
};

const MAX_BACKOFF_MS = 5_000;
/** 409: somebody else changes the same object just now. */
const PASSING = new Set([408, 409, 425, 429, 500, 502, 503, 504]);

/** A `fetch` that reads answers to their end, so that one which breaks off is asked for again. */
export function createSend(patience: Patience): typeof fetch {
  return (input, init) =>
    persist(patience, async () => {
      const signal = AbortSignal.timeout(patience.timeoutMs);
      const answer = await fetch(input, { ...prepare(input, init), signal });
      const body = await answer.arrayBuffer();
      // A status such as 204 must not have a body, not even an empty one.
      return new Response(body.byteLength > 0 ? body : null, answer);
    });
}

/** A `fetch` whose answer is read by the caller, until `signal` aborts. */
export function createStreaming(patience: Patience, signal: AbortSignal): typeof fetch {
  return (input, init) =>
    persist(patience, async () => {
      signal.throwIfAborted();
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(new Error('no answer in time')), patience.timeoutMs);
      try {
        return await fetch(input, {
          ...prepare(input, init),
          signal: AbortSignal.any([signal, late.signal]),
        });
      } finally {
        clearTimeout(timer);
      }
    });
}

/** A random wait after the `failures`th failure in a row. */
export const backoff = ({ backoffMs }: Patience, failures: number): number =>
  Math.min(MAX_BACKOFF_MS, backoffMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2);

async function persist(patience: Patience, attempt: () => Promise<Response>): Promise<Response> {
  const giveUpAt = performance.now() + patience.giveUpMs;
  for (let failures = 1; ; failures += 1) {
    const isLast = failures >= patience.attempts;
    try {
      const answer = await attempt();
      if (!PASSING.has(answer.status) || isLast || performance.now() > giveUpAt) return answer;
      await answer.body?.cancel();
      await delay(Math.max(backoff(patience, failures), retryAfter(answer)));
    } catch (error) {
      if (isLast || performance.now() > giveUpAt)
        throw new S3NetworkError('the store does not answer', codeOf(error), error);
      await delay(backoff(patience, failures));
    }
  }
}

function retryAfter(answer: Response): number {
  const seconds = Number(answer.headers.get('retry-after'));
  return Number.isFinite(seconds) ? Math.min(MAX_BACKOFF_MS, seconds * 1_000) : 0;
}

/** Why a request did not come through, e.g. `ECONNREFUSED`. */
function codeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return undefined;
}

type Input = Parameters<typeof fetch>[0];

const addressOf = (input: Input): string => (input instanceof Request ? input.url : input.toString());

function prepare(input: Input, init: RequestInit = {}): RequestInit {
  const headers = new Headers(init.headers);
  // Bytes as they are stored: with a compressed answer neither length nor range would be those of the object.
  headers.set('accept-encoding', 'identity');
  // Required by S3 for deletions, and some stores take no other checksum than this.
  if (init.method === 'POST' && addressOf(input).endsWith('?delete=') && typeof init.body === 'string')
    headers.set('content-md5', createHash('md5').update(init.body).digest('base64'));
  // A redirect leads to a host that the request is not signed for.
  return { ...init, headers, redirect: 'manual' };
}
