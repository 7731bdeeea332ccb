// Opens the bus of several nodes where there is Redis, and that of a single process otherwise.
import type { RedisConnection } from '../redis/connection.ts';
import type { Bus } from './bus.ts';

interface BusOptions {
  onError: (error: unknown) => void;
  now: () => number;
  redis?: RedisConnection | undefined;
}

export async function openBus({ onError, now, redis }: BusOptions): Promise<Bus> {
  if (redis) {
    const { createRedisBus } = await import('./redis-bus.ts');
    return createRedisBus({ redis, onError, now });
  }
  const { createMemoryBus } = await import('./memory-bus.ts');
  return createMemoryBus(onError);
}
