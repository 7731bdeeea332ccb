// How often something may happen. Counters live in this process; each limit is a fixed number of points per window and key.
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { rateLimited } from '../errors.ts';

export interface Limit {
  /** Takes one point of `key`; throws `rate_limited` with the seconds to wait when none is left. */
  take(key: string): Promise<void>;
  /** Gives one point back, for what turned out not to count. */
  giveBack(key: string): Promise<void>;
}

export interface Limits {
  /** `points` per `seconds`, multiplied by the operator's factor. */
  create(limit: { name: string; points: number; seconds: number }): Limit;
}

export function createLimits({ factor }: { factor: number }): Limits {
  return {
    create({ name, points, seconds }) {
      const limiter = new RateLimiterMemory({
        keyPrefix: name,
        points: Math.max(1, Math.round(points * factor)),
        duration: seconds,
      });
      return {
        async take(key) {
          try {
            await limiter.consume(key);
          } catch (error) {
            if (!(error instanceof RateLimiterRes)) throw error;
            throw rateLimited(Math.max(1, Math.ceil(error.msBeforeNext / 1_000)));
          }
        },
        async giveBack(key) {
          await limiter.reward(key);
        },
      };
    },
  };
}
