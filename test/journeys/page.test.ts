// The main job on the site's own page, in a real browser, while the page is reloaded and the server dies.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { DESKTOP, openBrowser, PHONE } from '../support/browser.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { spawnServer } from '../support/servers.ts';
import { gatherMaterial } from './material.ts';
import { expectFits, expectText, findPost, overhear, PATIENCE, publishOn, signUpOn } from './pages.ts';
import { play, seek, switchLevel } from './players.ts';

/** Bytes of the request that carries 1 MiB of a video, nearly. */
const CHUNK_REQUEST = 1_398_000;
const WORDS = 'A walk in the square, with sound';
/** Encoding two sizes, on a busy machine. */
const ENCODING = { timeout: 120_000 };

test('a video is uploaded through a reload and a kill, plays in all sizes, and the other person sees all of it live', async () => {
  await using material = await gatherMaterial();
  await using server = await spawnServer();
  await using network = await startFaultProxy(server.base);
  const browser = await openBrowser();
  const ann = await browser.openWindow(PHONE);
  const ben = await browser.openWindow(DESKTOP);
  const heardByBen = overhear(ben);
  const annHerself = { username: 'ann', firstName: 'Ann', lastName: 'Lee', picture: material.portrait };
  await signUpOn(ann, network.base, annHerself);
  await signUpOn(ben, server.base, { username: 'ben', firstName: 'Ben', lastName: 'Moss' });

  // The upload stands still in its third chunk; Ann sees how far it is, and reloads.
  const third = network.stopAfter(2.6 * CHUNK_REQUEST);
  await publishOn(ann, WORDS, [material.photo, material.video]);
  const standing = await third;
  const before = await readProgress(ann);
  expect(before).toBeGreaterThan(0);
  expect(before).toBeLessThan(100);
  await ben.reload();
  await ben.evaluate('window.sameLoad = true');
  await expectPictureShown(ben);
  const later = network.stopAfter(1.5 * CHUNK_REQUEST);
  await ann.reload();
  standing.cut();

  // It goes on by itself, and stands still again, further on; the server dies meanwhile, and comes back.
  await later;
  await expect.poll(() => readProgress(ann), PATIENCE).toBeGreaterThan(before);
  await server.end('SIGKILL');
  await ann.getByText('Trying again soon').waitFor();
  await server.restart();
  await ann.getByTestId('upload-progress').waitFor({ state: 'detached' });

  // Both pages have found back by themselves: the video turns playable on them without a reload.
  const bensPost = findPost(ben, WORDS);
  const bensVideo = bensPost.getByTestId('video');
  await expect.poll(() => bensVideo.getAttribute('data-hls'), ENCODING).toBe('ready');
  expect(heardByBen.filter((frame) => frame.includes('master.m3u8'))).not.toEqual([]);
  await expectPlaying(ben);
  const annsPost = findPost(ann, WORDS);
  await expect.poll(() => annsPost.getByTestId('video').getAttribute('data-hls'), PATIENCE).toBe('ready');
  await play(annsPost.getByTestId('video'));

  await talk(ann, ben);
  for (const page of [ann, ben]) await expectFits(page);
  expect(await ben.evaluate('window.sameLoad')).toBe(true);
});

async function readProgress(page: Page): Promise<number> {
  return Number(await page.getByTestId('upload-progress').last().getAttribute('aria-valuenow'));
}

async function expectPictureShown(page: Page): Promise<void> {
  const picture = findPost(page, WORDS).locator('.picture img');
  const width = (image: { naturalWidth: number }): number => image.naturalWidth;
  await expect.poll(() => picture.evaluate(width), PATIENCE).toBeGreaterThan(0);
}

/** Sizes are shown in turn, and any place can be gone to. */
async function expectPlaying(page: Page): Promise<void> {
  const video = findPost(page, WORDS).getByTestId('video');
  await play(video, [240, 360, 480, 720]);
  await switchLevel(video, 360);
  await switchLevel(video, 720);
  await seek(video, 0.5);
  await seek(video, 0.9);
}

/** Ann likes and talks; Ben's open page shows each. */
async function talk(ann: Page, ben: Page): Promise<void> {
  const [hers, his] = [findPost(ann, WORDS), findPost(ben, WORDS)];
  await his.getByTestId('comment-toggle').click();

  await hers.getByTestId('like').click();
  await expectText(his.getByTestId('like-count'), '1');

  await hers.getByTestId('comment-toggle').click();
  await hers.getByTestId('comment-input').fill('It was cold');
  await hers.getByTestId('comment-submit').click();
  await expectText(his.getByTestId('comment-count'), '1');
  await his.getByTestId('comment').getByText('It was cold').waitFor();

  await hers.getByTestId('reply-toggle').click();
  await hers.getByTestId('reply-input').fill('And windy');
  await hers.getByTestId('reply-submit').click();
  await his.getByTestId('reply').getByText('And windy').waitFor();

  await hers.getByTestId('comment-like').click();
  await expectText(his.getByTestId('comment-like-count'), '1');
  await hers.getByTestId('reply-like').click();
  await expectText(his.getByTestId('reply-like-count'), '1');
}
