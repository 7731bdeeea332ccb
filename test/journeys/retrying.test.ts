// A video that could not be processed, for a reason that passes: its owner is told, and has it tried again.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DESKTOP, openBrowser, PHONE } from '../support/browser.ts';
import { crampFfmpeg } from '../support/cramped-ffmpeg.ts';
import { startServer } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';
import { expectFits, findPost, PATIENCE, publishOn, signUpOn } from './pages.ts';
import { play } from './players.ts';

const WORDS = 'The film that did not fit';
const REASON = 'Kept as it came: Processing this video was interrupted.';
/** As often as a server tries by itself. */
const TRIES = 3;
/** Longer than the pauses between the tries of a job. */
const LATER_MS = 120_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-retrying-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a video that met a full disk says so, and plays once its owner has it tried again', async () => {
  const film = await makeVideo({ directory: folder, name: 'film.mp4', seconds: 3 });
  const { ffmpeg, giveRoom } = await crampFfmpeg(folder, '240p.mp4');
  let off = 0;
  await using server = await startServer({ VIDEO_SIZES: '240' }, { ffmpeg, now: () => Date.now() + off });
  const browser = await openBrowser();
  const ann = await browser.openWindow(PHONE);
  const ben = await browser.openWindow(DESKTOP);
  await signUpOn(ann, server.base, { username: 'ann', firstName: 'Ann', lastName: 'Lee' });
  await publishOn(ann, WORDS, [film]);
  await ann.locator('.tray').waitFor({ state: 'detached' });
  await signUpOn(ben, server.base, { username: 'ben', firstName: 'Ben', lastName: 'Moss' });

  for (let tries = 0; tries < TRIES; tries += 1) {
    await server.app.worker.idle();
    off += LATER_MS;
  }
  const [hers, his] = [findPost(ann, WORDS), findPost(ben, WORDS)];
  for (const post of [hers, his]) await post.getByText(REASON).waitFor();
  const again = hers.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  expect(await his.getByRole('button', { name: 'Try again' }).count()).toBe(0);
  await expectFits(ann);

  await giveRoom();
  await again.click();
  for (const post of [hers, his]) {
    const video = post.getByTestId('video');
    await expect.poll(() => video.getAttribute('data-hls'), PATIENCE).toBe('ready');
    await play(video, [240]);
    expect(await post.getByText(REASON).count()).toBe(0);
  }
});
