// The bus of a single process. It loses nothing, so it never tells of a gap.
import type { Bus } from './bus.ts';
import { createListeners } from './listeners.ts';

export function createMemoryBus(onError: (error: unknown) => void): Bus {
  const listeners = createListeners(onError);
  return {
    publish: (topic, message) => listeners.tell(topic.name, message),
    subscribe: (topic, listener) => listeners.add(topic.name, listener),
    onGap: () => () => undefined,
    async [Symbol.asyncDispose]() {
      listeners.clear();
    },
  };
}
