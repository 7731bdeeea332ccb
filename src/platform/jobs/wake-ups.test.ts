import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Gap } from '../realtime/bus.ts';
import { openBus } from '../realtime/open.ts';
import { topics } from '../realtime/topics.ts';
import { spreadWakeUps } from './wake-ups.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

async function start() {
  const bus = await openBus({ onError: () => undefined, now: Date.now });
  const gapListeners: ((gap: Gap) => void)[] = [];
  let published = 0;
  let enqueued = (): void => undefined;
  let woken = 0;
  spreadWakeUps({
    bus: {
      ...bus,
      publish(topic, message) {
        published += 1;
        bus.publish(topic, message);
      },
      onGap(_topic, listener) {
        gapListeners.push(listener);
        return () => undefined;
      },
    },
    jobs: {
      enqueue: async () => undefined,
      onEnqueued: (listener) => void (enqueued = listener),
    },
    wake: () => void (woken += 1),
  });
  return {
    bus,
    enqueue: () => enqueued(),
    published: () => published,
    woken: () => woken,
    gap: () => gapListeners.forEach((listener) => listener({ since: 0 })),
  };
}

test('a job wakes the workers here at once, each time, and a burst is told to others at its beginning and its end', async () => {
  const node = await start();
  for (let n = 0; n < 50; n += 1) node.enqueue();
  expect(node.woken()).toBe(50);
  expect(node.published()).toBe(1);
  vi.advanceTimersByTime(100);
  expect(node.published()).toBe(2);
  vi.advanceTimersByTime(1_000);
  expect(node.published()).toBe(2);
  node.enqueue();
  expect(node.published()).toBe(3);
});

test('what another node has written, or may have written, wakes the workers too', async () => {
  const node = await start();
  node.bus.publish(topics.jobs(), {});
  await vi.waitFor(() => expect(node.woken()).toBe(1));
  node.gap();
  expect(node.woken()).toBe(2);
});
