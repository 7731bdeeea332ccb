// Opens the limits: counted by all nodes together where there is Redis.
import type { RedisConnection } from '../redis/connection.ts';
import { createLimits, type Limits } from './limits.ts';

interface OpenOptions {
  factor: number;
  now: () => number;
  redis?: RedisConnection | undefined;
}

export async function openLimits({ factor, now, redis }: OpenOptions): Promise<Limits> {
  if (!redis) return createLimits({ factor, now });
  const { createRedisCounts } = await import('./redis-counts.ts');
  return createLimits({ factor, now, shared: createRedisCounts(redis) });
}
