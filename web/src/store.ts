// Two small observables that hold what the page knows: one value, or many values by id. Listeners run at once.
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

export interface Store<Value> {
  get(): Value;
  set(value: Value): void;
  subscribe(listener: () => void): () => void;
}

export function createStore<Value>(initial: Value): Store<Value> {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export interface Shelf<Value> {
  get(id: number): Value | undefined;
  /** `undefined` takes the value away. */
  set(id: number, value: Value | undefined): void;
  subscribe(id: number, listener: () => void): () => void;
  clear(): void;
}

/** Values by id; a change wakes only those who look at that id. */
export function createShelf<Value>(): Shelf<Value> {
  const values = new Map<number, Value>();
  const listeners = new Map<number, Set<() => void>>();
  const wake = (id: number): void => {
    for (const listener of [...(listeners.get(id) ?? [])]) listener();
  };
  return {
    get: (id) => values.get(id),
    set(id, value) {
      if (Object.is(values.get(id), value)) return;
      if (value === undefined) values.delete(id);
      else values.set(id, value);
      wake(id);
    },
    subscribe(id, listener) {
      const own = listeners.get(id) ?? new Set();
      listeners.set(id, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0) listeners.delete(id);
      };
    },
    clear() {
      const ids = [...values.keys()];
      values.clear();
      for (const id of ids) wake(id);
    },
  };
}

export function useStore<Value>(store: Store<Value>): Value {
  return useSnapshot(store.get, store.subscribe, store);
}

export function useShelved<Value>(shelf: Shelf<Value>, id: number): Value | undefined {
  const read = (): Value | undefined => shelf.get(id);
  const subscribe = (listener: () => void): (() => void) => shelf.subscribe(id, listener);
  return useSnapshot(read, subscribe, `${id}`);
}

/** Re-renders when `read()` changes; `key` names the source, a new key subscribes anew. */
function useSnapshot<Value>(
  read: () => Value,
  subscribe: (listener: () => void) => () => void,
  key: unknown,
): Value {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const value = read();
  const latest = useRef({ read, value });
  latest.current = { read, value };
  useLayoutEffect(() => {
    const check = (): void => {
      if (!Object.is(latest.current.read(), latest.current.value)) redraw(undefined);
    };
    check();
    return subscribe(check);
  }, [key]);
  return value;
}
