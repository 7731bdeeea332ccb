// The bus of several nodes, over the publish and subscribe of Redis. Within this process messages go directly, Redis or not;
// what other nodes publish comes by Redis. Nobody ever waits for it, and nothing is kept for later: what may have been lost is
// told as a gap.
import { randomBytes } from 'node:crypto';
import type { RedisConnection } from '../redis/connection.ts';
import { isRefusal } from '../redis/link.ts';
import type { Bus } from './bus.ts';
import { createListeners } from './listeners.ts';
import { createLosses } from './redis-losses.ts';
import { keepSubscriptions } from './redis-subscriptions.ts';

interface RedisBusOptions {
  redis: RedisConnection;
  onError: (error: unknown) => void;
  now: () => number;
}

interface Envelope {
  node: string;
  message: unknown;
}

const RETRY_MS = 1_000;

export function createRedisBus({ redis, onError, now }: RedisBusOptions): Bus {
  const node = randomBytes(8).toString('hex');
  const control = `${redis.prefix}:bus`;
  const channelOf = (name: string): string => `${control}:${name}`;
  const nameOf = (channel: string): string => channel.slice(control.length + 1);
  const messages = createListeners(onError);
  const gaps = createListeners(onError);
  let complaint: string | undefined;

  const losses = createLosses({
    ...{ node, channel: control, link: redis.commands, now, onFailure },
    onLost: (since) => tellGap(messages.names(), since),
  });
  const subscriptions = keepSubscriptions({
    ...{ link: redis.subscriptions, now, onFailure },
    channels: () => [control, ...messages.names().map(channelOf)],
    onMessage: receive,
    onBack(channels, since) {
      if (channels.includes(control)) losses.wasAway(since);
      tellGap(channels.map(nameOf), since);
    },
  });
  // What failed while the links were up.
  const retries = setInterval(() => {
    subscriptions.renew();
    losses.flush();
  }, RETRY_MS);
  retries.unref();
  const unsubscribe = redis.onChange(losses.flush);
  subscriptions.renew();

  /** Redis is there and refuses: an operator has to know, once. That it is away the connection says. */
  function onFailure(error: unknown): void {
    if (!isRefusal(error) || error.message === complaint) return;
    complaint = error.message;
    onError(error);
  }

  function tellGap(names: readonly string[], since: number): void {
    for (const name of names) gaps.tell(name, { since });
  }

  function receive(channel: string, text: string): void {
    if (channel === control) return losses.hear(text);
    try {
      const { node: from, message } = JSON.parse(text) as Envelope;
      if (from !== node) messages.tell(nameOf(channel), message);
    } catch (error) {
      onError(error);
    }
  }

  return {
    publish(topic, message) {
      messages.tell(topic.name, message);
      const at = now();
      const text = JSON.stringify({ node, message } satisfies Envelope);
      redis.commands
        .send((client) => client.publish(channelOf(topic.name), text))
        .catch(() => losses.add(at));
    },
    subscribe(topic, listener) {
      const { name } = topic;
      const isFirst = !messages.has(name);
      const end = messages.add(name, listener);
      if (isFirst) subscriptions.add(channelOf(name));
      return () => {
        const was = messages.has(name);
        end();
        if (was && !messages.has(name)) subscriptions.drop(channelOf(name));
      };
    },
    onGap: (topic, listener) => gaps.add(topic.name, listener),
    async [Symbol.asyncDispose]() {
      clearInterval(retries);
      unsubscribe();
      subscriptions[Symbol.dispose]();
      messages.clear();
      gaps.clear();
    },
  };
}
