import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createCoalescer } from './coalescer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start() {
  const sent: number[] = [];
  return {
    sent,
    coalescer: createCoalescer({ windowMs: 100, concurrency: 8, send: (id) => void sent.push(id) }),
  };
}

test('the first of a burst goes at once, the rest together at the end of the window', () => {
  const { sent, coalescer } = start();
  for (let n = 0; n < 50; n += 1) coalescer.add(7);
  expect(sent).toEqual([7]);
  vi.advanceTimersByTime(99);
  expect(sent).toEqual([7]);
  vi.advanceTimersByTime(1);
  expect(sent).toEqual([7, 7]);
  vi.advanceTimersByTime(1_000);
  expect(sent).toEqual([7, 7]);
});

test('a stream that does not end is sent once per window, and its last change is never lost', () => {
  const { sent, coalescer } = start();
  for (let n = 0; n < 100; n += 1) {
    coalescer.add(7);
    vi.advanceTimersByTime(10);
  }
  expect(sent.length).toBeGreaterThanOrEqual(10);
  expect(sent.length).toBeLessThanOrEqual(11);
  const before = sent.length;
  coalescer.add(7);
  vi.advanceTimersByTime(200);
  expect(sent.length).toBeGreaterThan(before);
});

test('posts do not wait for each other', () => {
  const { sent, coalescer } = start();
  for (const id of [1, 2, 1, 3]) coalescer.add(id);
  expect(sent).toEqual([1, 2, 3]);
  vi.advanceTimersByTime(100);
  expect(sent).toEqual([1, 2, 3, 1]);
});

test('a quiet post is sent at once again, and nothing is kept of it', () => {
  const { sent, coalescer } = start();
  coalescer.add(1);
  vi.advanceTimersByTime(100);
  expect(vi.getTimerCount()).toBe(0);
  coalescer.add(1);
  expect(sent).toEqual([1, 1]);
});

test('what is added while it sends belongs to the next window', () => {
  const sent: number[] = [];
  const coalescer = createCoalescer({
    windowMs: 100,
    concurrency: 8,
    send(id) {
      sent.push(id);
      if (sent.length === 1) coalescer.add(id);
    },
  });
  coalescer.add(1);
  expect(sent).toEqual([1]);
  vi.advanceTimersByTime(100);
  expect(sent).toEqual([1, 1]);
});

test('after the stop nothing is sent and no timer is left', () => {
  const { sent, coalescer } = start();
  for (const id of [1, 1, 2]) coalescer.add(id);
  coalescer.stop();
  coalescer.add(3);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect(sent).toEqual([1, 2]);
});

test('a post is sent again only after its last sending is done, so that its states stay in order', async () => {
  const begun: PromiseWithResolvers<void>[] = [];
  const coalescer = createCoalescer({
    windowMs: 100,
    concurrency: 8,
    send() {
      const sending = Promise.withResolvers<void>();
      begun.push(sending);
      return sending.promise;
    },
  });
  coalescer.add(7);
  coalescer.add(7);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(begun).toHaveLength(1);
  begun[0]?.resolve();
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toHaveLength(2);
});

test('only so many are sent at a time, and the others after them, each once', async () => {
  const begun: { id: number; done: () => void }[] = [];
  const coalescer = createCoalescer({
    windowMs: 100,
    concurrency: 2,
    send(id) {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.push({ id, done: resolve });
      return promise;
    },
  });
  for (const id of [1, 2, 3, 3, 4]) coalescer.add(id);
  expect(begun.map(({ id }) => id)).toEqual([1, 2]);
  begun[0]?.done();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(begun.map(({ id }) => id)).toEqual([1, 2, 3]);
  for (const { done } of begun) done();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(begun.map(({ id }) => id)).toEqual([1, 2, 3, 4]);
});
