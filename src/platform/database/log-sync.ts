// Makes commits durable while the event loop goes on: a commit writes to SQLite's log, and a sync of the log that begins after
// it makes it durable. One sync answers for all that was written before it began.
import { open } from 'node:fs/promises';

export interface LogSync extends AsyncDisposable {
  /**
   * Resolves when all that was written before the call is on the disk. Rejects with the failure of the operating system;
   * whether the writes would outlive a power loss is unknown then.
   */
  sync(): Promise<void>;
}

/** `path`: the log, which stays the same file as long as a connection to its database is open. */
export async function openLogSync(path: string): Promise<LogSync> {
  const file = await open(path, 'r+');
  let running = Promise.resolve();
  let next: Promise<void> | undefined;
  function begin(): Promise<void> {
    next = undefined;
    running = file.datasync();
    return running;
  }
  return {
    sync: () => (next ??= running.then(begin, begin)),
    [Symbol.asyncDispose]: () => file.close(),
  };
}
