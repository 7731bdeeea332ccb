// What this node could not publish, the other nodes do not know: their own connections may have been up all the time. So as soon
// as Redis takes messages again, it says so on a channel that every node listens to, and each reads the tables. And a node
// that was away itself asks for what was said meanwhile: the others repeat it, if it concerns a time before.
import type { Link } from '../redis/link.ts';

export interface Losses {
  /** A message of this time did not go out. */
  add(at: number): void;
  /** This node heard nothing since then, and hears again now. */
  wasAway(since: number): void;
  /** What came on the channel. */
  hear(text: string): void;
  /** Says what is not yet said, if Redis is there. */
  flush(): void;
}

interface LossesOptions {
  node: string;
  channel: string;
  link: Link;
  now: () => number;
  /** Another node could not publish since then. */
  onLost: (since: number) => void;
  onFailure: (error: unknown) => void;
}

/** Times are epoch milliseconds. */
interface Notice {
  node: string;
  lost?: number | undefined;
  away?: number | undefined;
}

interface Told {
  since: number;
  at: number;
}

/** The clocks of two nodes may differ by this. */
const SKEW_MS = 30_000;
const REMEMBERED = 20;

export function createLosses(options: LossesOptions): Losses {
  const { node, channel, link, now, onLost, onFailure } = options;
  let lost: number | undefined;
  let away: number | undefined;
  let flushing = false;
  const told: Told[] = [];

  function remember(since: number): void {
    told.push({ since, at: now() });
    if (told.length <= REMEMBERED) return;
    const [oldest, next] = told.splice(0, 2);
    if (oldest && next) told.unshift({ since: Math.min(oldest.since, next.since), at: next.at });
  }

  async function flush(): Promise<void> {
    if (flushing || !link.up || (lost === undefined && away === undefined)) return;
    const notice: Notice = { node, lost, away };
    flushing = true;
    lost = undefined;
    away = undefined;
    try {
      await link.send((redis) => redis.publish(channel, JSON.stringify(notice)));
      if (notice.lost !== undefined) remember(notice.lost);
    } catch (error) {
      lost = earlier(lost, notice.lost);
      away = earlier(away, notice.away);
      onFailure(error);
    } finally {
      flushing = false;
    }
  }

  return {
    add(at) {
      lost = earlier(lost, at);
    },
    wasAway(since) {
      away = earlier(away, since);
      void flush();
    },
    hear(text) {
      const notice = read(text);
      if (!notice || notice.node === node) return;
      if (notice.lost !== undefined) onLost(notice.lost);
      const { away: itsAway } = notice;
      if (itsAway === undefined) return;
      // What began while it was away it makes up for anyway.
      const missed = told.filter(({ since, at }) => at >= itsAway - SKEW_MS && since < itsAway);
      for (const { since } of missed) lost = earlier(lost, since);
      void flush();
    },
    flush: () => void flush(),
  };
}

const earlier = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined ? other : Math.min(one, other ?? one);

/** Undefined for what no node of ours has written. */
function read(text: string): Notice | undefined {
  try {
    const { node, lost, away } = JSON.parse(text) as Record<keyof Notice, unknown>;
    if (typeof node !== 'string') return undefined;
    return { node, lost: timeOf(lost), away: timeOf(away) };
  } catch {
    return undefined;
  }
}

const timeOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
