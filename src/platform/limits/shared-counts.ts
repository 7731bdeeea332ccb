// Counts that several nodes share: the port behind which Redis stands.

export interface SharedCounts {
  /** Begins the key's window with its first points. Nothing is added once `limit` is reached. Rejects, soon, when nobody can say. */
  count(key: string, window: SharedWindow & { points: number; limit: number }): Promise<SharedCount>;
  /** Takes points back, down to none. */
  giveBack(key: string, window: SharedWindow & { points: number }): Promise<SharedCount>;
}

interface SharedWindow {
  /** Its length. */
  ms: number;
}

export interface SharedCount {
  used: number;
  /** It was full before. */
  refused: boolean;
  /** Milliseconds until the window ends. */
  endsIn: number;
}
