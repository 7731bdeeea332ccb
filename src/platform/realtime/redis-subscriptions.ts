// One subscription at Redis for each topic that somebody here listens to. It knows from when on messages may be missing
// and says so once the subscription is confirmed, never before: whoever then reads the tables misses nothing.
import type { Link } from '../redis/link.ts';

export interface Subscriptions extends Disposable {
  /** A topic has its first listener now. */
  add(channel: string): void;
  /** It has none any more. */
  drop(channel: string): void;
  /** Tries again what did not work. */
  renew(): void;
}

interface SubscriptionsOptions {
  link: Link;
  now: () => number;
  /** All that are wanted. */
  channels: () => string[];
  onMessage: (channel: string, text: string) => void;
  /** Messages of these channels since then may be missing. From now on they come. */
  onBack: (channels: readonly string[], since: number) => void;
  onFailure: (error: unknown) => void;
}

/** A message that was on its way to Redis when Redis last answered may have come after that. */
const ON_THE_WAY_MS = 1_000;

export function keepSubscriptions(options: SubscriptionsOptions): Subscriptions {
  const { link, now, channels, onMessage, onBack, onFailure } = options;
  /** Since when something may be missing; undefined while all channels are confirmed. */
  let missingSince: number | undefined = now();
  let renewing = false;

  const lack = (since: number): void => {
    missingSince = Math.min(missingSince ?? since, since);
  };

  async function renew(): Promise<void> {
    const since = missingSince;
    if (since === undefined || renewing || !link.up) return;
    const wanted = channels();
    renewing = true;
    missingSince = undefined;
    try {
      await link.send((redis) => redis.subscribe(...wanted));
      onBack(wanted, since);
    } catch (error) {
      lack(since);
      onFailure(error);
    } finally {
      renewing = false;
    }
  }

  async function add(channel: string): Promise<void> {
    // The next renewal takes it along.
    if (missingSince !== undefined) return;
    const since = now();
    try {
      await link.send((redis) => redis.subscribe(channel));
      onBack([channel], since);
    } catch (error) {
      lack(since);
      onFailure(error);
    }
  }

  const onReady = (): void => void renew();
  const onClose = (): void => lack(link.seenUntil - ON_THE_WAY_MS);
  link.client.on('message', onMessage).on('ready', onReady).on('close', onClose);
  return {
    add: (channel) => void add(channel),
    drop(channel) {
      // Where this does not arrive, messages come that nobody listens to.
      link.send((redis) => redis.unsubscribe(channel)).catch(() => undefined);
    },
    renew: () => void renew(),
    [Symbol.dispose]() {
      link.client.off('message', onMessage).off('ready', onReady).off('close', onClose);
    },
  };
}
