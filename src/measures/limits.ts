// Refusals by policy.
import { DomainError } from '../platform/errors.ts';
import type { Limits } from '../platform/limits/limits.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';

export function measureLimits(metrics: Metrics): (limits: Limits) => Limits {
  const refused = metrics.counter({
    name: 'veranda_limits_refused_total',
    help: 'What was refused because it came too often.',
    labels: ['policy'],
  });
  return (limits) => ({
    create(policy, points) {
      const limit = limits.create(policy, points);
      return {
        ...limit,
        async count(key, taken) {
          const allowance = await limit.count(key, taken);
          if (allowance.retryAfter !== undefined) refused.add({ policy });
          return allowance;
        },
        async take(key, taken) {
          await limit.take(key, taken).catch((error: unknown) => {
            if (error instanceof DomainError && error.kind === 'rate_limited') refused.add({ policy });
            throw error;
          });
        },
      };
    },
  });
}
