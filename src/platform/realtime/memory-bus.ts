// The bus of a single process.
import type { Bus } from './bus.ts';

export function createMemoryBus(onError: (error: unknown) => void): Bus {
  const listeners = new Map<string, Set<(message: never) => void>>();
  return {
    publish(topic, message) {
      queueMicrotask(() => {
        for (const listener of [...(listeners.get(topic.name) ?? [])]) {
          try {
            listener(message as never);
          } catch (error) {
            onError(error);
          }
        }
      });
    },
    subscribe(topic, listener) {
      const set = listeners.get(topic.name) ?? new Set();
      // One entry for each subscription, even of the same function.
      const entry = (message: never): void => listener(message);
      listeners.set(topic.name, set.add(entry));
      return () => {
        if (set.delete(entry) && set.size === 0) listeners.delete(topic.name);
      };
    },
    async [Symbol.asyncDispose]() {
      listeners.clear();
    },
  };
}
