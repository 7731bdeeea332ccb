// Pictures on the site's own page: described while the post is written, loaded in the size and format that the screen
// wants, in a place that was kept free, and standing still for those who want that.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { DESKTOP, openBrowser, PHONE } from '../support/browser.ts';
import { paintPhoto } from '../support/photos.ts';
import { startServer } from '../support/servers.ts';
import { expectFits, findPost, PATIENCE, publishOn, signInOn, signUpOn } from './pages.ts';

const SCREENS = {
  phone: { ...PHONE, deviceScaleFactor: 3 },
  desktop: DESKTOP,
} satisfies Record<string, BrowserContextOptions>;

test('each screen gets its own file, nothing jumps, and everybody is told what is to be seen', async () => {
  await using server = await startServer({ PICTURE_FORMATS: 'webp,avif' });
  await using files = await paintFiles();
  const browser = await openBrowser();
  const ann = await browser.openWindow(DESKTOP);
  await signUpOn(ann, server.base, {
    username: 'ann',
    firstName: 'Ann',
    lastName: 'Lee',
    picture: files.wide,
  });

  await ann.getByTestId('composer-file').setInputFiles([files.wide]);
  await ann.getByTestId('picture-alt').fill('A harbour at dusk');
  await publish(ann, 'One picture');
  await publish(ann, 'Two pictures', [files.wide, files.tall]);
  await publish(ann, 'It moves', [files.moving]);
  await ann.locator('.tray').waitFor({ state: 'detached' });
  await server.app.worker.idle();

  for (const [name, screen] of Object.entries(SCREENS)) {
    const page = await openFeed(await browser.openWindow(screen), server.base);
    const one = findPost(page, 'One picture').getByRole('button', {
      name: 'Open picture 1 of 1: A harbour at dusk',
    });
    const pixels = (name === 'phone' ? 390 * 3 : 620) * 0.95;
    expect(await widthOf(one.locator('img'))).toBeGreaterThan(pixels);
    expect(await sourceOf(one.locator('img'))).toMatch(/^\/media\/renditions\/[0-9a-f]{32}\/\d+\.avif$/);
    expect(await sourceOf(findPost(page, 'It moves').locator('.picture img'))).toMatch(/\d\.webp$/);
    expect(await sourceOf(findPost(page, 'It moves').locator('.avatar img'))).toMatch(/144\.webp$/);
    expect(await page.evaluate('window.shifts')).toEqual([]);
    await expectFits(page);
    await keepPicture(page, name);

    await one.click();
    const large = page.getByRole('dialog').getByRole('img', { name: 'A harbour at dusk' });
    await expect
      .poll(() => large.evaluate((image: { naturalWidth: number }) => image.naturalWidth), PATIENCE)
      .toBeGreaterThan(0);
    const box = await large.boundingBox();
    expect((box?.width ?? 0) / (box?.height ?? 1)).toBeCloseTo(1.5, 1);
    await keepPicture(page, `${name}-large`);
  }

  const calm = await openFeed(await browser.openWindow({ ...DESKTOP, reducedMotion: 'reduce' }), server.base);
  expect(await sourceOf(findPost(calm, 'It moves').locator('.picture img'))).toMatch(/-still\.webp$/);
});

test('what matters most stays in sight where a picture is cropped, and its author may say it later', async () => {
  await using server = await startServer();
  await using files = await paintFiles();
  const browser = await openBrowser();
  const ann = await browser.openWindow(DESKTOP);
  await signUpOn(ann, server.base, { username: 'ann', firstName: 'Ann', lastName: 'Lee' });
  const card = await publish(ann, 'Two pictures', [files.wide, files.tall]);
  await ann.locator('.tray').waitFor({ state: 'detached' });
  const first = card.locator('.picture img').first();
  await expect.poll(() => placeOf(first), PATIENCE).toBe('50% 50%');

  await card.getByTestId('edit').click();
  await ann.getByTestId('picture-alt').first().fill('A red wall');
  const target = ann.getByTestId('picture-focus').first();
  const box = await target.boundingBox();
  await target.click({ position: { x: (box?.width ?? 0) * 0.1, y: (box?.height ?? 0) / 2 } });
  await target.press('ArrowLeft');
  await keepPicture(ann, 'editor');
  await ann.getByTestId('edit-submit').click();
  await card.getByRole('button', { name: 'Open picture 1 of 2: A red wall' }).waitFor();
  const [x = 100, y = 0] = (await placeOf(first)).split(' ').map((place) => Number.parseFloat(place));
  expect(x).toBeLessThan(10);
  expect(Math.abs(y - 50)).toBeLessThan(3);
});

test('what is to be seen on one’s picture and cover is said with the profile, and told to everybody', async () => {
  await using server = await startServer();
  await using files = await paintFiles();
  const browser = await openBrowser();
  const ann = await browser.openWindow(PHONE);
  const herself = { username: 'ann', firstName: 'Ann', lastName: 'Lee' };
  await signUpOn(ann, server.base, { ...herself, picture: files.tall });
  await ann.getByRole('link', { name: 'You', exact: true }).click();
  await ann.getByTestId('profile-edit').click();
  expect(await ann.getByTestId('picture-alt').count()).toBe(1);
  await ann.getByRole('button', { name: 'Cancel' }).click();
  await ann.getByTestId('cover-file').setInputFiles(files.tall);
  const cover = ann.locator('.cover img');
  await expect.poll(() => placeOf(cover), PATIENCE).toBe('50% 50%');

  await ann.getByTestId('profile-edit').click();
  await ann.getByLabel('Description of your picture').fill(' Ann under a hat ');
  await ann.getByLabel('Description of your cover').fill('A hedge');
  const place = ann.getByTestId('picture-focus');
  const box = await place.boundingBox();
  await place.click({ position: { x: (box?.width ?? 0) / 2, y: (box?.height ?? 0) * 0.95 } });
  // No further than the edge.
  for (let presses = 0; presses < 3; presses += 1) await place.press('ArrowDown');
  await keepPicture(ann, 'profile-editor');
  await ann.getByTestId('profile-save').click();
  await ann.getByRole('dialog').waitFor({ state: 'detached' });
  await ann.reload();
  await expectDescribed(ann);
  await expectFits(ann);

  // What is not changed stays.
  await ann.getByTestId('profile-edit').click();
  await ann.getByLabel('About you').fill('I like hats.');
  await ann.getByTestId('profile-save').click();
  await ann.getByRole('dialog').waitFor({ state: 'detached' });
  await expectDescribed(ann);

  const ben = await browser.openWindow(DESKTOP);
  await signUpOn(ben, server.base, { username: 'ben', firstName: 'Ben', lastName: 'Moss' });
  await ben.goto(ann.url());
  await ben.getByText('I like hats.').waitFor();
  await expectDescribed(ben);
});

async function expectDescribed(page: Page): Promise<void> {
  await page.getByRole('img', { name: 'Ann under a hat', exact: true }).waitFor();
  const cover = page.getByRole('img', { name: 'A hedge', exact: true });
  expect(await placeOf(cover)).toBe('50% 100%');
}

interface Files extends AsyncDisposable {
  wide: string;
  tall: string;
  moving: string;
}

async function paintFiles(): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'veranda-pictures-'));
  const keep = async (name: string, bytes: Buffer): Promise<string> => {
    await writeFile(join(folder, name), bytes);
    return join(folder, name);
  };
  const wide = await (await paintPhoto({ width: 1_500, height: 1_000 })).blur(1).raw().toBuffer();
  const photo = sharp(wide, { raw: { width: 1_500, height: 1_000, channels: 3 } });
  const film = await photo.clone().resize(200, 500).blur(1).raw().toBuffer();
  const moving = sharp(film, { raw: { width: 200, height: 500, channels: 3, pageHeight: 100 } });
  return {
    wide: await keep('wide.jpg', await photo.clone().jpeg().toBuffer()),
    tall: await keep('tall.jpg', await photo.clone().rotate(90).resize(600).jpeg().toBuffer()),
    moving: await keep('moving.gif', await moving.gif({ loop: 0, delay: 100 }).toBuffer()),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Signed in, with every picture loaded, and note taken of all that moved by itself meanwhile. */
async function openFeed(page: Page, base: string): Promise<Page> {
  await page.addInitScript(`
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        for (const { node } of entry.sources)
          if (node?.closest?.('.post-media')) window.shifts.push(node.className || node.tagName);
    }).observe({ type: 'layout-shift', buffered: true });`);
  await page.goto(base);
  await signInOn(page, 'ann');
  await findPost(page, 'One picture').waitFor();
  for (const image of await page.locator('.post-media img').all()) await image.scrollIntoViewIfNeeded();
  const loaded =
    '[...document.querySelectorAll(".post-media img")].every((image) => image.complete && image.naturalWidth > 0)';
  await expect.poll(() => page.evaluate(loaded), PATIENCE).toBe(true);
  await page.evaluate('scrollTo(0, 0)');
  return page;
}

const sourceOf = async (image: Locator): Promise<string> =>
  new URL(await image.first().evaluate((one: { currentSrc: string }) => one.currentSrc)).pathname;
/** Pixels of the file that the browser took, whatever it takes them for. */
const widthOf = async (image: Locator): Promise<number> => {
  const address = await image.evaluate((one: { currentSrc: string }) => one.currentSrc);
  const bytes = Buffer.from(await (await fetch(address)).arrayBuffer());
  return (await sharp(bytes).metadata()).width;
};
const placeOf = (image: Locator): Promise<string> =>
  image.evaluate((one: { style: { objectPosition: string } }) => one.style.objectPosition);

/** Once the composer has done with the one before. */
async function publish(page: Page, text: string, files: string[] = []): Promise<Locator> {
  await expect.poll(() => page.getByTestId('composer-text').inputValue(), PATIENCE).toBe('');
  const card = await publishOn(page, text, files);
  await expect.poll(() => page.getByTestId('composer-text').inputValue(), PATIENCE).toBe('');
  return card;
}

/** For whoever wants to see it: KEEP_PICTURES names a folder. */
async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['KEEP_PICTURES'];
  if (folder !== undefined) await page.screenshot({ path: join(folder, `${name}.png`) });
}
