// Counts by key in windows that begin with a key's first point. Keys that strangers choose cannot fill the memory: past
// the capacity the oldest count is forgotten, and a count that is over costs nothing but the place it has until then.

export interface Count {
  used: number;
  /** Epoch milliseconds. */
  endsAt: number;
}

export interface Windows {
  /** The running count of `key`, begun if there is none. */
  find(key: string): Count;
}

const TIDY_MS = 1_000;

export function createWindows(options: { ms: number; capacity: number; now: () => number }): Windows {
  const { ms, capacity, now } = options;
  // All windows have one length, so they end in the order in which they were put here.
  const counts = new Map<string, Count>();
  let tidiedAt = 0;

  // A clock that was put back must not stretch a window.
  const runs = ({ endsAt }: Count, at: number): boolean => endsAt > at && endsAt - at <= ms;

  // Not at every key: what was removed from the beginning of a Map is walked over again each time.
  function makeRoom(at: number): void {
    const isFull = counts.size >= capacity;
    if (!isFull && Math.abs(at - tidiedAt) < TIDY_MS) return;
    tidiedAt = at;
    const most = isFull ? capacity - Math.ceil(capacity / 100) : capacity;
    for (const [key, count] of counts) {
      if (runs(count, at) && counts.size <= most) return;
      counts.delete(key);
    }
  }

  return {
    find(key) {
      const at = now();
      const known = counts.get(key);
      if (known && runs(known, at)) return known;
      counts.delete(key);
      makeRoom(at);
      const count = { used: 0, endsAt: at + ms };
      counts.set(key, count);
      return count;
    },
  };
}
