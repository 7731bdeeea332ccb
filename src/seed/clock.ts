// The time that a seeded site believes in: what people said lies spread over the past days.

export interface SeedClock {
  /** Epoch milliseconds. */
  now(): number;
  /** Stands still at `at` until the next call; without it, it is the real time again. */
  set(at?: number): void;
}

export function createSeedClock(): SeedClock {
  let fixed: number | undefined;
  return {
    now: () => fixed ?? Date.now(),
    set(at) {
      fixed = at;
    },
  };
}
