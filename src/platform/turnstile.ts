// Lets a bounded number of heavy works run at once; the others wait in the order in which they came,
// and beyond a bounded queue they are refused at once instead of piling up.

export type Turnstile = <T>(work: () => Promise<T>) => Promise<T>;

/** `refuse` makes the error that a caller gets when `concurrency` works run and `queueLimit` more wait. */
export function createTurnstile(limits: {
  concurrency: number;
  queueLimit: number;
  refuse: () => Error;
}): Turnstile {
  const waiting: (() => void)[] = [];
  let running = 0;

  async function enter(): Promise<void> {
    if (running < limits.concurrency) {
      running += 1;
      return;
    }
    if (waiting.length >= limits.queueLimit) throw limits.refuse();
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  // A place is handed to the next in line without being freed, so that nobody who comes later slips in between.
  function leave(): void {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  }

  return async (work) => {
    await enter();
    try {
      return await work();
    } finally {
      leave();
    }
  };
}
