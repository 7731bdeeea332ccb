// How much of what may happen, before RATE_LIMIT_FACTOR: every limit by rate that this program has.
// Whoever meets one gets 429 with Retry-After. Reads are wide, as the classic page signs out on any GET that is refused.

/** Who shares one count: a network address (IPv6: its /64), an account, or one sign-in. */
export type Counted = 'address' | 'account' | 'token';

export interface Policy {
  per: Counted;
  /** Requests, unless the name says bytes. */
  points: number;
  seconds: number;
}

export const POLICIES = {
  /** Requests that change nothing, with a good token. */
  'reads-token': { per: 'token', points: 7_500, seconds: 300 },
  /** The same over all sign-ins of an account. */
  'reads-account': { per: 'account', points: 22_500, seconds: 300 },
  /** The same without a good token. */
  'reads-address': { per: 'address', points: 7_500, seconds: 300 },
  /** Requests that change something; pieces of uploads count by their bytes alone. */
  'writes-account': { per: 'account', points: 1_500, seconds: 300 },
  /** The same without a good token: signing in, signing up, refreshing, and whatever is refused for want of a token. */
  'writes-address': { per: 'address', points: 1_500, seconds: 300 },
  /** Posts that are deleted; a write as well. */
  deletes: { per: 'account', points: 120, seconds: 1_800 },
  /** Requests that bring pictures; a write as well. */
  pictures: { per: 'account', points: 300, seconds: 1_800 },
  /** Bytes of uploads: MAX_UPLOAD_PER_DAY. */
  'upload-bytes': { per: 'account', points: 20 * 2 ** 30, seconds: 86_400 },
  'sign-up': { per: 'address', points: 20, seconds: 1_800 },
  /** Wrong passwords; a right one does not count. */
  'sign-in-address': { per: 'address', points: 25, seconds: 300 },
  'sign-in-account': { per: 'account', points: 20, seconds: 3_600 },
  /** Wrong present passwords where a new one is set, or the account deleted. */
  'password-change': { per: 'account', points: 10, seconds: 3_600 },
} as const satisfies Record<string, Policy>;

export type PolicyName = keyof typeof POLICIES;
