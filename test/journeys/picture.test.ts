// The picture in the README: the feed of a seeded site. It is taken at every run; with UPDATE_PICTURES=1 it is kept.

import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { spawnServer } from '../support/servers.ts';
import { PATIENCE, signInOn } from './pages.ts';

const ENTRY = fileURLToPath(new URL('../../bin/veranda.js', import.meta.url));
const PICTURE = fileURLToPath(new URL('../../docs/pictures/feed.png', import.meta.url));
const MAX_BYTES = 400_000;
const run = promisify(execFile);
/** What is seen does not need more. */
const MADE = { VIDEO_SIZES: '240,720', PICTURE_FORMATS: 'webp' };

test('a seeded site shows its feed with everything on it', async () => {
  await using server = await spawnServer(MADE);
  const { username, password } = await seedSite(server.dataDir);
  const browser = await openBrowser();
  const page = await browser.openWindow();
  await page.goto(server.base);
  await signInOn(page, username, password);
  await expectComplete(page);

  const picture = await page.screenshot({ type: 'png' });
  expect(await sharp(picture).metadata()).toMatchObject({ format: 'png', width: 1280, height: 900 });
  // An empty page of one colour has none.
  expect((await sharp(picture).stats()).entropy).toBeGreaterThan(2);
  expect(picture.length).toBeLessThan(MAX_BYTES);
  if (process.env['UPDATE_PICTURES'] === '1') {
    await mkdir(dirname(PICTURE), { recursive: true });
    await writeFile(PICTURE, picture);
  }
});

/** Runs the operator's verb and reads one of the logins that it prints. */
async function seedSite(dataDir: string): Promise<{ username: string; password: string }> {
  const env = { PATH: process.env['PATH'], DATA_DIR: dataDir, ...MADE };
  const { stdout } = await run(process.execPath, [ENTRY, 'seed'], { env });
  const username = /^Sign in as any of (\w+)/m.exec(stdout)?.[1] ?? '';
  const password = /^with the password (\S+)$/m.exec(stdout)?.[1] ?? '';
  return { username, password };
}

/** Posts are there, and every picture in sight is ready to be painted. */
async function expectComplete(page: Page): Promise<void> {
  await expect.poll(() => page.getByTestId('post').count(), PATIENCE).toBeGreaterThan(2);
  await page.evaluate('document.fonts.ready');
  // Broken pictures reject.
  const inSight = await page.evaluate<number>(`(async () => {
    const images = [...document.images].filter((image) => {
      const { top, bottom } = image.getBoundingClientRect();
      return bottom > 0 && top < innerHeight;
    });
    await Promise.all(images.map((image) => image.decode()));
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    return images.length;
  })()`);
  expect(inSight).toBeGreaterThan(4);
}
