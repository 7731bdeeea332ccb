// How long to wait before trying again: doubling up to a ceiling, with jitter so that many pages do not return at once.

export interface WaitRange {
  firstMs: number;
  mostMs: number;
}

/** `attempt` counts from 0; `random` is in [0, 1). The answer is between half and the whole of the doubled wait. */
export function nextWaitMs(attempt: number, range: WaitRange, random: number): number {
  const ceiling = Math.min(range.mostMs, range.firstMs * 2 ** Math.min(attempt, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}

/** Resolves after the wait, or at once when the signal aborts or the browser is back online. */
export function rest(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      removeEventListener('online', done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    signal.addEventListener('abort', done);
    addEventListener('online', done);
    if (signal.aborted) done();
  });
}
