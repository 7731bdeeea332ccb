// Bursts of changes to one post become few: the first goes at once, what follows within the window goes together at its end.
// Of one post only one sending is under way at a time, so that its states go out in order; of all posts only a few.

export interface Coalescer {
  add(id: number): void;
  /** Drops what waits and takes nothing more. */
  stop(): void;
}

interface CoalescerOptions {
  windowMs: number;
  /** How many may be sent at a time. */
  concurrency: number;
  /** The window lasts until this is done. Never rejects. */
  send: (id: number) => void | Promise<void>;
}

interface Window {
  more: boolean;
  /** The sending is under way, or the time is not over. */
  pending: number;
  timer: NodeJS.Timeout;
}

export function createCoalescer({ windowMs, concurrency, send }: CoalescerOptions): Coalescer {
  const due = new Set<number>();
  const open = new Map<number, Window>();
  let sending = 0;
  let stopped = false;

  function begin(id: number): void {
    const window: Window = { more: false, pending: 2, timer: setTimeout(() => end(id, window), windowMs) };
    open.set(id, window);
    const sent = (): void => {
      sending -= 1;
      end(id, window);
      beginNext();
    };
    sending += 1;
    const under = send(id);
    if (under) void under.then(sent);
    else sent();
  }

  function end(id: number, window: Window): void {
    window.pending -= 1;
    if (stopped || window.pending > 0) return;
    open.delete(id);
    if (window.more) add(id);
  }

  function beginNext(): void {
    for (const id of due) {
      if (stopped || sending >= concurrency) return;
      due.delete(id);
      begin(id);
    }
  }

  function add(id: number): void {
    if (stopped) return;
    const window = open.get(id);
    if (window) window.more = true;
    else due.add(id);
    beginNext();
  }

  return {
    add,
    stop() {
      stopped = true;
      for (const { timer } of open.values()) clearTimeout(timer);
      open.clear();
      due.clear();
    },
  };
}
