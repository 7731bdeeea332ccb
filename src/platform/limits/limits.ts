// How often something may happen; `policies.ts` says how much of what. Counts live in this process, and where nodes share them, a
// copy does: so when nobody can be asked the limit holds on from what was last known, and never not at all.
import { createHash } from 'node:crypto';
import { rateLimited } from '../errors.ts';
import { networkOf } from './networks.ts';
import { POLICIES, type PolicyName } from './policies.ts';
import type { SharedCount, SharedCounts } from './shared-counts.ts';
import { type Count, createWindows } from './windows.ts';

export interface Limit {
  /** Takes `points` (1) of `key`; throws `rate_limited` with the seconds to wait when none is left. */
  take(key: string, points?: number): Promise<void>;
  /** The same without throwing. 0 points only look. What comes while a single point is left is taken whole. */
  count(key: string, points?: number): Promise<Allowance>;
  /** Gives `points` (1) back, for what turned out not to count. */
  giveBack(key: string, points?: number): Promise<void>;
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

/** Names that strangers make up are not kept at their length. */
const LONGEST_KEY = 64;
const shorten = (key: string): string =>
  key.length <= LONGEST_KEY ? key : createHash('sha256').update(key).digest('base64url');

interface LimitsOptions {
  factor: number;
  now: () => number;
  /** Counts of all nodes. */
  shared?: SharedCounts | undefined;
}

interface Counted extends Count {
  refused: boolean;
}

export function createLimits(options: LimitsOptions): Limits {
  return { create: (name, points) => createLimit({ ...options, name, points }) };
}

function createLimit(options: LimitsOptions & { name: PolicyName; points: number | undefined }): Limit {
  const { name, shared, now } = options;
  const { per, seconds, points } = POLICIES[name];
  const limit = Math.max(1, Math.round((options.points ?? points) * options.factor));
  const ms = seconds * 1_000;
  const windows = createWindows({ ms, capacity: CAPACITY, now });
  const keyOf = (key: string): string => (per === 'address' ? networkOf(key) : shorten(key));

  /** Undefined when only this process can say. */
  async function ask(
    key: string,
    change: (counts: SharedCounts, sharedKey: string) => Promise<SharedCount>,
  ): Promise<Counted | undefined> {
    const answer = await (shared && change(shared, `${name}:${key}`).catch(() => undefined));
    if (!answer) return undefined;
    const { used, refused, endsIn } = answer;
    const state = Object.assign(windows.find(key), { used, endsAt: now() + endsIn });
    return { ...state, refused };
  }

  function countHere(key: string, taken: number): Counted {
    const state = windows.find(key);
    const refused = state.used >= limit;
    if (!refused) state.used += taken;
    return { ...state, refused };
  }

  async function count(given: string, taken = 1): Promise<Allowance> {
    const key = keyOf(given);
    const answer = await ask(key, (counts, id) => counts.count(id, { ms, limit, points: taken }));
    const { used, endsAt, refused } = answer ?? countHere(key, taken);
    return {
      limit,
      left: Math.max(0, limit - used),
      resetAt: endsAt,
      retryAfter: refused ? Math.max(1, Math.ceil((endsAt - now()) / 1_000)) : undefined,
    };
  }

  return {
    count,
    async take(key, taken) {
      const { retryAfter } = await count(key, taken);
      if (retryAfter !== undefined) throw rateLimited(retryAfter);
    },
    async giveBack(given, points = 1) {
      const key = keyOf(given);
      if (await ask(key, (counts, id) => counts.giveBack(id, { ms, points }))) return;
      const state = windows.find(key);
      state.used = Math.max(0, state.used - points);
    },
  };
}
