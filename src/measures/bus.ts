// Messages of the bus by the first word of their topic, and Redis beneath it.
import type { Metrics } from '../platform/metrics/metrics.ts';
import type { Bus } from '../platform/realtime/bus.ts';
import type { RedisConnection } from '../platform/redis/connection.ts';

export function measureBus(metrics: Metrics): (bus: Bus, redis: RedisConnection | undefined) => Bus {
  const published = metrics.counter({
    name: 'veranda_bus_published_total',
    help: 'Messages published by this process.',
    labels: ['topic'],
  });
  const received = metrics.counter({
    name: 'veranda_bus_received_total',
    help: 'Messages given to listeners of this process.',
    labels: ['topic'],
  });
  const gaps = metrics.counter({
    name: 'veranda_bus_gaps_total',
    help: 'Times that messages of other processes may have been lost, and listeners were told to make up for it.',
    labels: ['topic'],
  });
  return (bus, redis) => {
    if (redis)
      metrics.gauge({ name: 'veranda_redis_up', help: 'Whether both connections to Redis are up.' }, () => [
        { labels: {}, value: Number(redis.state.up) },
      ]);
    return {
      ...bus,
      publish(topic, message) {
        published.add({ topic: wordOf(topic.name) });
        bus.publish(topic, message);
      },
      subscribe: (topic, listener) =>
        bus.subscribe(topic, (message) => {
          received.add({ topic: wordOf(topic.name) });
          listener(message);
        }),
      onGap: (topic, listener) =>
        bus.onGap(topic, (gap) => {
          gaps.add({ topic: wordOf(topic.name) });
          listener(gap);
        }),
    };
  };
}

/** Topics of single people end in an id. */
const wordOf = (topic: string): string => /^[a-z]+/.exec(topic)?.[0] ?? 'other';
