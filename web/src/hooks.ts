// What several components need from the browser: a clock, the viewport, a title, a value read from the server.
import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { createStore, useStore } from './store.ts';
import { tellTrouble } from './stores/notices.ts';
import { site } from './stores/site.ts';
import { WireFailure } from './wire/failures.ts';

const clock = createStore(Date.now());
setInterval(() => clock.set(Date.now()), 30_000);

/** Epoch milliseconds, moving on every half minute. */
export function useNow(): number {
  return useStore(clock);
}

export function useTitle(title: string): void {
  const { name } = useStore(site);
  useEffect(() => {
    document.title = title === '' ? name : `${title} · ${name}`;
  }, [title, name]);
}

/** Calls back each time the element comes near the viewport. */
export function useApproach(ref: RefObject<Element | null>, onNear: () => void, margin: string): void {
  const latest = useRef(onNear);
  latest.current = onNear;
  useEffect(() => {
    if (!ref.current) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) latest.current();
      },
      { rootMargin: margin },
    );
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [margin]);
}

export interface Reading<Value> {
  value?: Value;
  failure?: unknown;
  retry: () => void;
}

/** Reads again when `key` changes, on `retry`, and by itself when the browser is back online after a failure. */
export function useReading<Value>(key: string, read: () => Promise<Value>): Reading<Value> {
  const [attempt, setAttempt] = useState(0);
  const [result, setResult] = useState<{ key: string; value?: Value; failure?: unknown }>({ key });
  const retry = (): void => setAttempt((count) => count + 1);
  useEffect(() => {
    let current = true;
    setResult({ key });
    read().then(
      (value) => current && setResult({ key, value }),
      (failure: unknown) => current && setResult({ key, failure }),
    );
    return () => {
      current = false;
    };
  }, [key, attempt]);
  useBackOnline(result.failure, retry);
  return result.key === key ? { ...result, retry } : { retry };
}

/** Tries again by itself when the browser is back online, where that was why it failed. */
export function useBackOnline(failure: unknown, retry: () => void): void {
  const latest = useRef(retry);
  latest.current = retry;
  const offline = failure instanceof WireFailure && failure.kind === 'offline';
  useEffect(() => {
    if (!offline) return undefined;
    const listener = (): void => latest.current();
    addEventListener('online', listener);
    return () => removeEventListener('online', listener);
  }, [offline]);
}

/** Runs one work at a time, and says whether one runs. What goes wrong is told to the person. */
export function useWork(
  onFailure: (error: unknown) => void = (error) => tellTrouble(error),
): [busy: boolean, run: (work: () => Promise<void>) => Promise<void>] {
  const [busy, setBusy] = useState(false);
  const run = async (work: () => Promise<void>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    try {
      await work();
    } catch (error) {
      onFailure(error);
    } finally {
      setBusy(false);
    }
  };
  return [busy, run];
}

/** A blob's address for as long as the component shows it. */
export function useBlobUrl(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (!blob) {
      setUrl(undefined);
      return undefined;
    }
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}
