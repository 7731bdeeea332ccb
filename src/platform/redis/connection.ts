// The two connections to Redis that all ports of this process share. Redis carries hints and shared counts only: without it
// each node goes on by itself, so nothing here ever throws because it is away.
import type { Logger } from '../logger.ts';
import { createLink, type Link } from './link.ts';
import type { RedisSettings } from './settings.ts';

export interface RedisConnection extends AsyncDisposable {
  /** Before every key and channel. */
  readonly prefix: string;
  readonly commands: Link;
  readonly subscriptions: Link;
  readonly state: RedisState;
  /** Calls `listener` after either link came up or went down. Answers the function that ends it. */
  onChange(listener: () => void): () => void;
}

export interface RedisState {
  /** Whether both links are. */
  up: boolean;
  /** Epoch milliseconds. */
  since: number;
}

interface ConnectionOptions {
  settings: RedisSettings;
  logger: Logger;
  now: () => number;
}

/** Returns at once, connected or not. Says in the log when Redis comes and goes. */
export function connectRedis({ settings, logger, now }: ConnectionOptions): RedisConnection {
  const listeners = new Set<() => void>();
  let state: RedisState = { up: false, since: now() };
  let isKnown = false;
  let closed = false;

  function report(): void {
    if (closed) return;
    const up = commands.up && subscriptions.up;
    const isFirst = !isKnown && commands.isKnown && subscriptions.isKnown;
    isKnown ||= isFirst;
    if (isFirst || up !== state.up) {
      state = { up, since: now() };
      const { host } = new URL(settings.url);
      const reason = commands.up ? subscriptions.reason : commands.reason;
      if (up) logger.info({ host }, 'Redis is up: live updates and limits are shared');
      else logger.warn({ host, reason }, 'Redis is down: live updates and limits stay within this process');
    }
    for (const listener of [...listeners]) listener();
  }

  const link = { url: settings.url, now, onChange: report };
  const commands = createLink(link);
  const subscriptions = createLink(link);
  return {
    prefix: settings.prefix,
    commands,
    subscriptions,
    get state() {
      return state;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([commands[Symbol.asyncDispose](), subscriptions[Symbol.asyncDispose]()]);
    },
  };
}
