// Bursts of changes to one post become few: the first goes at once, what follows within the window goes together at its end.

export interface Coalescer {
  add(id: number): void;
  /** Drops what waits and takes nothing more. */
  stop(): void;
}

export function createCoalescer({
  windowMs,
  send,
}: {
  windowMs: number;
  send: (id: number) => void;
}): Coalescer {
  /** Ids inside their window, and whether more came in it. */
  const open = new Map<number, { more: boolean; timer: NodeJS.Timeout }>();
  let stopped = false;

  function begin(id: number): void {
    open.set(id, { more: false, timer: setTimeout(() => end(id), windowMs) });
    send(id);
  }

  function end(id: number): void {
    const more = open.get(id)?.more;
    open.delete(id);
    if (more) begin(id);
  }

  return {
    add(id) {
      if (stopped) return;
      const window = open.get(id);
      if (window) window.more = true;
      else begin(id);
    },
    stop() {
      stopped = true;
      for (const { timer } of open.values()) clearTimeout(timer);
      open.clear();
    },
  };
}
