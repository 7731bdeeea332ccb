// Watching: a stream that is still made, to its end; on a network that gets worse and better; by the small pictures; with captions.
import { readFile, rm } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeVideoFolder } from '../support/published-videos.ts';
import { spawnServer } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';
import { expectPressable, findPost, PATIENCE, signUpOn } from './pages.ts';
import { nextFrame, play, seek, switchLevel, watchStalls } from './players.ts';

const WORDS = 'Half a minute';
const SECONDS = 30;
const ENCODING = { timeout: 120_000 };

let folder: string;
let film: Buffer;
beforeAll(async () => {
  folder = await makeVideoFolder();
  // Its key frames are too far apart for a copy, so all of it is encoded.
  const options = ['-g', '300', '-sc_threshold', '0'];
  film = await readFile(await makeVideo({ directory: folder, seconds: SECONDS, options }));
});
afterAll(() => rm(folder, { recursive: true }));

test('a stream is watched from its beginning to its end while it is still encoded', async () => {
  await using server = await spawnServer();
  const { page, video } = await openFeed(server.base);
  const ann = await join(server.base);
  await publish(server.base, ann);
  await page.reload();

  await expect.poll(() => video.getAttribute('data-hls'), ENCODING).toBe('ready');
  const state = await video.getAttribute('data-state');
  await play(video);
  expect(state).toBe('processing');
  const stalls = await watchStalls(video);
  await expect.poll(() => video.evaluate((player: Watched) => player.ended), ENCODING).toBe(true);
  const { seconds, at } = await stalls();
  expect(at).toBeGreaterThan(SECONDS - 0.5);
  expect(seconds).toBeLessThan(1);

  // Until the last size is there, without a reload.
  await expect.poll(() => video.getAttribute('data-state'), ENCODING).toBe('ready');
});

test('picture and sound that are shown as they came are watched to their end, from whichever place', async () => {
  const seconds = 8;
  const options = ['-preset', 'veryfast', '-crf', '28', '-g', '60', '-sc_threshold', '0'];
  const plain = await readFile(
    await makeVideo({ directory: folder, name: 'plain.mp4', seconds, height: 480, width: 854, options }),
  );
  await using server = await spawnServer();
  const { page, video } = await openFeed(server.base);
  await publish(server.base, await join(server.base), plain);
  await page.reload();
  await expect.poll(() => video.getAttribute('data-state'), ENCODING).toBe('ready');
  await play(video, [240, 360, 480]);
  await switchLevel(video, 480);
  await switchLevel(video, 240);
  await seek(video, 0.25);
  const stalls = await watchStalls(video);
  await expect.poll(() => video.evaluate((player: Watched) => player.ended), ENCODING).toBe(true);
  const watched = await stalls();
  expect(watched.at).toBeGreaterThan(seconds - 0.2);
  expect(watched.seconds).toBeLessThan(1);
  expect(await video.evaluate((player: Watched) => player.webkitAudioDecodedByteCount)).toBeGreaterThan(0);
});

test('quality follows the network, and places and words are found', { timeout: 240_000 }, async () => {
  await using server = await spawnServer();
  const { page, video } = await openFeed(server.base);
  const ann = await join(server.base);
  const ids = await publish(server.base, ann);
  const vtt = `WEBVTT\n\n00:00.000 --> 00:${SECONDS}.000\nHalb so wild\n`;
  const captions = { ...ids, language: 'de', label: 'Deutsch', vtt };
  const given = await call(server.base, '/api/posts/post/add/media/video/captions/', {
    token: ann.access,
    body: captions,
  });
  expect(given.status).toBe(201);
  await page.reload();
  await expect.poll(() => video.getAttribute('data-state'), ENCODING).toBe('ready');

  // Little is kept in advance, so that a change shows soon.
  await play(video, [240, 360]);
  await video.evaluate((player: Watched) => {
    player.loop = true;
    Object.assign(player.hls.config, { maxBufferLength: 2, maxMaxBufferLength: 2, backBufferLength: 0 });
  });
  const heightShown = async (): Promise<number> => (await nextFrame(video)).height;
  await expect.poll(heightShown, PATIENCE).toBe(360);
  const network = await page.context().newCDPSession(page);
  // Without the first the second does nothing, and all of the film may be in the cache.
  await network.send('Network.enable');
  await network.send('Network.setCacheDisabled', { cacheDisabled: true });
  const limit = async (bytesPerSecond: number): Promise<void> => {
    await network.send('Network.emulateNetworkConditions', {
      ...{ offline: false, latency: 20, uploadThroughput: -1, downloadThroughput: bytesPerSecond },
    });
    // Gives up what was loaded before; the player chooses by itself as before.
    await video.evaluate((player: Watched) => (player.hls.currentLevel = -1));
  };
  await limit(60_000);
  await expect.poll(heightShown, ENCODING).toBe(240);
  await limit(-1);
  await expect.poll(heightShown, ENCODING).toBe(360);

  await expectToGoOn(page, video);
  await expectToGoOnByHand(page, video);
  await expectPressable(page);
  await expectScenes(page, video);
  await page.getByTestId('captions').selectOption('Deutsch');
  await expect.poll(() => video.evaluate(readCues), PATIENCE).toEqual(['Halb so wild']);
});

/** What of the page's <video> is used here. */
interface Watched {
  ended: boolean;
  loop: boolean;
  paused: boolean;
  currentTime: number;
  webkitAudioDecodedByteCount: number;
  addEventListener(name: string, listener: () => void): void;
  hls: { config: { fragLoadPolicy: { default: object } }; currentLevel: number };
  textTracks: Iterable<{ activeCues: Iterable<{ text: string }> | null }>;
}

/** What is missing makes the player read all of the stream anew: there again, the video goes on from where it was. */
async function expectToGoOn(page: Page, video: Locator): Promise<void> {
  const at = SECONDS / 2;
  let missing = true;
  await page.route('**/*.m4s', (route) => (missing ? route.fulfill({ status: 404 }) : route.continue()));
  await page.route('**/master.m3u8', (route) => {
    missing = false;
    return route.continue();
  });
  await video.evaluate((player: Watched, to: number) => {
    Object.assign(player.hls.config.fragLoadPolicy.default, { errorRetry: null, timeoutRetry: null });
    player.currentTime = to;
  }, at);
  await expect.poll(() => missing, PATIENCE).toBe(false);
  const goesOn = (player: Watched, from: number): boolean => !player.paused && player.currentTime > from;
  await expect.poll(() => video.evaluate(goesOn, at + 1), PATIENCE).toBe(true);
  await page.unrouteAll();
}

/** When it was given up, a press does the same. */
async function expectToGoOnByHand(page: Page, video: Locator): Promise<void> {
  const at = SECONDS / 2;
  await page.route(/\.(?:m4s|m3u8)$/, (route) => route.fulfill({ status: 404 }));
  await video.evaluate((player: Watched, to: number) => (player.currentTime = to), at);
  const again = page.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  await page.unrouteAll();
  const places = await video.evaluateHandle((player: Watched) => {
    const seen: number[] = [];
    player.addEventListener('timeupdate', () => seen.push(player.currentTime));
    return seen;
  });
  await again.click();
  await expect.poll(async () => (await places.jsonValue()).at(-1), PATIENCE).toBeGreaterThan(at + 1);
  // Nothing of its beginning was shown on the way.
  expect((await places.jsonValue()).filter((place) => place > 0 && place < at - 0.5)).toEqual([]);
}

/** Above the bar stands a small picture of the place that is pointed at; a press goes there. */
async function expectScenes(page: Page, video: Locator): Promise<void> {
  const bar = page.getByTestId('scrubber');
  expect(await bar.getAttribute('aria-valuetext')).toMatch(/^0:\d\d of 0:30$/);
  const box = await bar.boundingBox();
  if (!box) throw new Error('There is no bar.');
  const middle = { x: box.width / 2, y: box.height / 2 };
  await bar.hover({ position: middle });
  const scene = page.getByTestId('scene');
  await scene.waitFor();
  const { backgroundImage, backgroundPosition } = await scene.evaluate((element: { style: Style }) => ({
    backgroundImage: element.style.backgroundImage,
    backgroundPosition: element.style.backgroundPosition,
  }));
  expect(backgroundImage).toContain('storyboard.jpg');
  expect(backgroundPosition).not.toBe('0px 0px');
  const frame = await video.boundingBox();
  for (const x of [1, box.width - 1]) {
    await bar.hover({ position: { ...middle, x } });
    const place = await scene.boundingBox();
    if (!frame || !place) throw new Error('There is no picture.');
    expect(place.x).toBeGreaterThanOrEqual(frame.x);
    expect(place.x + place.width).toBeLessThanOrEqual(frame.x + frame.width);
  }
  await bar.click({ position: middle });
  await expect
    .poll(async () => Math.abs((await nextFrame(video)).mediaTime - SECONDS / 2), PATIENCE)
    .toBeLessThan(4);
}

interface Style {
  backgroundImage: string;
  backgroundPosition: string;
}

function readCues(player: Watched): string[] {
  return [...player.textTracks].flatMap(({ activeCues }) => [...(activeCues ?? [])].map(({ text }) => text));
}

async function openFeed(base: string): Promise<{ page: Page; video: Locator }> {
  const browser = await openBrowser();
  const page = await browser.openWindow();
  await signUpOn(page, base, { username: 'ben', firstName: 'Ben', lastName: 'Moss' });
  return { page, video: findPost(page, WORDS).getByTestId('video') };
}

async function publish(base: string, ann: Person, of = film): Promise<{ postID: number; videoID: number }> {
  const postID = await say(base, ann, WORDS);
  const pieces = Math.ceil(of.length / 2 ** 20);
  let videoID = 0;
  for (let piece = 0; piece < pieces; piece += 1) {
    const bytes = of.subarray(piece * 2 ** 20, (piece + 1) * 2 ** 20);
    videoID = (await sendChunk(base, ann, { filename: 'film.mp4', bytes })).json.id;
  }
  const body = { postID, videoID };
  const closed = await call(base, '/api/posts/post/add/media/video/finalize/', { token: ann.access, body });
  expect(closed.status).toBe(200);
  return body;
}
