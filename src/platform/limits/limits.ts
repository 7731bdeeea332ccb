// How often something may happen. Counters live in this process; `policies.ts` says how much of what.
import { rateLimited } from '../errors.ts';
import { networkOf } from './networks.ts';
import { POLICIES, type PolicyName } from './policies.ts';
import { createWindows } from './windows.ts';

export interface Limit {
  /** Takes `points` (1) of `key`; throws `rate_limited` with the seconds to wait when none is left. */
  take(key: string, points?: number): Promise<void>;
  /** The same without throwing. 0 points only look. What comes while a single point is left is taken whole. */
  count(key: string, points?: number): Promise<Allowance>;
  /** Gives one point back, for what turned out not to count. */
  giveBack(key: string): Promise<void>;
}

/** What one key has of a limit after a count. */
export interface Allowance {
  limit: number;
  left: number;
  /** Epoch milliseconds. */
  resetAt: number;
  /** Seconds to wait when nothing was left to take. */
  retryAfter: number | undefined;
}

export interface Limits {
  /** The policy's points, or `points`, multiplied by the operator's factor. Keys of addresses may be any spelling of one. */
  create(name: PolicyName, points?: number): Limit;
}

/** Keys counted at a time per limit: some 20 MB if all were met at once. */
const CAPACITY = 100_000;

export function createLimits({ factor, now }: { factor: number; now: () => number }): Limits {
  return { create: (name, points) => createLimit({ name, points, factor, now }) };
}

function createLimit(options: {
  name: PolicyName;
  points: number | undefined;
  factor: number;
  now: () => number;
}): Limit {
  const { per, seconds, points } = POLICIES[options.name];
  const limit = Math.max(1, Math.round((options.points ?? points) * options.factor));
  const windows = createWindows({ ms: seconds * 1_000, capacity: CAPACITY, now: options.now });
  const find = (key: string) => windows.find(per === 'address' ? networkOf(key) : key);

  async function count(key: string, taken = 1): Promise<Allowance> {
    const state = find(key);
    const refused = state.used >= limit;
    if (!refused) state.used += taken;
    return {
      limit,
      left: Math.max(0, limit - state.used),
      resetAt: state.endsAt,
      retryAfter: refused ? Math.max(1, Math.ceil((state.endsAt - options.now()) / 1_000)) : undefined,
    };
  }

  return {
    count,
    async take(key, taken) {
      const { retryAfter } = await count(key, taken);
      if (retryAfter !== undefined) throw rateLimited(retryAfter);
    },
    async giveBack(key) {
      const state = find(key);
      state.used = Math.max(0, state.used - 1);
    },
  };
}
