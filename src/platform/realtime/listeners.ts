// Who listens to what within this process.

export interface Listeners {
  /** Answers the function that takes the listener away again. */
  add(name: string, listener: (value: never) => void): () => void;
  /** Calls the listeners of `name` soon; what one throws keeps the others from nothing. */
  tell(name: string, value: unknown): void;
  has(name: string): boolean;
  names(): string[];
  clear(): void;
}

export function createListeners(onError: (error: unknown) => void): Listeners {
  const listeners = new Map<string, Set<(value: never) => void>>();
  return {
    add(name, listener) {
      const set = listeners.get(name) ?? new Set();
      // One entry for each subscription, even of the same function.
      const entry = (value: never): void => listener(value);
      listeners.set(name, set.add(entry));
      return () => {
        if (set.delete(entry) && set.size === 0) listeners.delete(name);
      };
    },
    tell(name, value) {
      queueMicrotask(() => {
        for (const listener of [...(listeners.get(name) ?? [])]) {
          try {
            listener(value as never);
          } catch (error) {
            onError(error);
          }
        }
      });
    },
    has: (name) => listeners.has(name),
    names: () => [...listeners.keys()],
    clear: () => listeners.clear(),
  };
}
