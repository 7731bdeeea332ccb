import { expect, test, vi } from 'vitest';
import type { Posts } from '../../features/posts/index.ts';
import { createMemoryBus } from '../../platform/realtime/memory-bus.ts';
import { topics } from '../../platform/realtime/topics.ts';
import { sendLiveFrames } from './live-frames.ts';

test('a frame whose post could not be read comes when it can', async () => {
  const errors: unknown[] = [];
  const bus = createMemoryBus((error) => errors.push(error));
  const ref = { id: 7, version: 3 };
  const find = vi
    .fn<() => Promise<typeof ref>>(async () => ref)
    .mockRejectedValueOnce(new Error('the database is away'));
  const frames: string[] = [];
  using _sending = sendLiveFrames({
    posts: { lists: { find, changedSince: async () => [ref] } } as unknown as Posts,
    postTexts: { of: async () => [{ id: 7, text: Buffer.from('{"id":7}') }] },
    bus,
    tellsAuthorship: false,
    hasListeners: () => true,
    deliver: async (frame) => void frames.push(frame.toString()),
    onError: (error) => errors.push(error),
  });
  bus.publish(topics.posts(), { postId: 7 });
  await vi.waitUntil(() => frames.length > 0, { timeout: 10_000 });
  expect(frames).toEqual(['{"post_id":7,"post":{"id":7}}']);
  expect(errors).toEqual([new Error('the database is away')]);
});
