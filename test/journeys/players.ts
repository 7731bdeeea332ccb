// Watches a video the way an eye does: by the frames that the browser presents.

import type { Locator } from 'playwright-core';
import { expect } from 'vitest';

/** A frame on the screen: when it is in the video, in seconds, and its size in pixels. */
interface Frame {
  mediaTime: number;
  width: number;
  height: number;
}

/** What of the page's <video> is used here. */
interface Player {
  muted: boolean;
  currentTime: number;
  duration: number;
  play(): Promise<void>;
  requestVideoFrameCallback(onFrame: (now: number, frame: Frame) => void): void;
  hls?: { levels: { height: number }[]; currentLevel: number };
}

const PATIENCE = { timeout: 60_000, interval: 20 };
/** Of all sizes, on a busy machine. */
const ENCODING = { timeout: 240_000, interval: 100 };

/** Waits until the player knows of these heights, if it is to wait for any. */
export async function play(video: Locator, heights?: readonly number[]): Promise<void> {
  await video.scrollIntoViewIfNeeded();
  if (heights) await expect.poll(() => readLevels(video), ENCODING).toEqual(heights);
  else await expect.poll(() => readLevels(video), PATIENCE).not.toEqual([]);
  await video.evaluate(async (player: Player) => {
    player.muted = true;
    await player.play();
  });
  await nextFrame(video);
}

/** Heights of the levels that hls.js found. */
async function readLevels(video: Locator): Promise<number[]> {
  return video.evaluate((player: Player) => player.hls?.levels.map(({ height }) => height) ?? []);
}

/** Asks hls.js for a level and waits until frames of its size are shown. */
export async function switchLevel(video: Locator, height: number): Promise<void> {
  await video.evaluate((player: Player, wanted: number) => {
    if (player.hls) player.hls.currentLevel = player.hls.levels.findIndex((level) => level.height === wanted);
  }, height);
  await expect.poll(async () => (await nextFrame(video)).height, PATIENCE).toBe(height);
  await expectMoving(video);
}

/** Seeks and waits until frames from there are shown, one after the other. */
export async function seek(video: Locator, share: number): Promise<void> {
  const to = await video.evaluate((player: Player, wanted: number) => {
    player.currentTime = player.duration * wanted;
    return player.currentTime;
  }, share);
  await expect
    .poll(async () => Math.abs((await nextFrame(video)).mediaTime - to), PATIENCE)
    .toBeLessThan(0.5);
  await expectMoving(video);
}

async function expectMoving(video: Locator): Promise<void> {
  const { mediaTime } = await nextFrame(video);
  await expect.poll(async () => (await nextFrame(video)).mediaTime, PATIENCE).toBeGreaterThan(mediaTime);
}

export async function nextFrame(video: Locator): Promise<Frame> {
  return video.evaluate(
    (player: Player) =>
      new Promise<Frame>((resolve) =>
        player.requestVideoFrameCallback((_now, { mediaTime, width, height }) =>
          resolve({ mediaTime, width, height }),
        ),
      ),
  );
}

/** From now on, how long the picture stood still for want of something to show; the answer tells, and where it stands. */
export async function watchStalls(video: Locator): Promise<() => Promise<{ seconds: number; at: number }>> {
  await video.evaluate((player: Stalling) => {
    player.stalled = 0;
    let since: number | undefined;
    player.addEventListener('waiting', () => {
      since ??= performance.now();
    });
    player.addEventListener('timeupdate', () => {
      if (since !== undefined && !player.seeking) player.stalled += performance.now() - since;
      since = undefined;
    });
  });
  return () =>
    video.evaluate((player: Stalling) => ({ seconds: player.stalled / 1000, at: player.currentTime }));
}

interface Stalling extends Player {
  stalled: number;
  seeking: boolean;
  addEventListener(name: string, listener: () => void): void;
}
