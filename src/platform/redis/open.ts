// Connects to the Redis that the settings name. The driver is loaded only when there is one.
import type { Logger } from '../logger.ts';
import type { RedisConnection } from './connection.ts';
import type { RedisSettings } from './settings.ts';

export async function openRedis(options: {
  settings: RedisSettings;
  logger: Logger;
  now: () => number;
}): Promise<RedisConnection> {
  const { connectRedis } = await import('./connection.ts');
  return connectRedis(options);
}
