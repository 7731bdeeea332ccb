// Everything on the site's own page besides the main job: with the keyboard alone, on a phone, and around.

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { DESKTOP, openBrowser, PHONE } from '../support/browser.ts';
import { call, join as signUp, say } from '../support/classic-client.ts';
import { startServer } from '../support/servers.ts';
import {
  expectFits,
  expectPressable,
  expectText,
  findPost,
  PASSWORD,
  PATIENCE,
  publishOn,
  signInOn,
  signOutOn,
} from './pages.ts';

const ANN = { username: 'ann', first_name: 'Ann', last_name: 'Lee', password: PASSWORD };
const BEN = { username: 'ben', first_name: 'Ben', last_name: 'Moss', password: PASSWORD };

/** The name of what has the focus, if something else is to be seen in its middle. */
const COVERED = `(() => {
  const one = document.activeElement;
  if (!one || one === document.body) return '';
  const { left, top, width, height } = one.getBoundingClientRect();
  const seen = document.elementFromPoint(left + width / 2, top + height / 2);
  return seen && (one.contains(seen) || seen.contains(one)) ? '' : one.outerHTML;
})()`;
const DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

test('signing in, liking and commenting need only a keyboard', async () => {
  await using server = await startServer();
  await say(server.base, await signUp(server.base, ANN), 'Lunch on the veranda');
  await signUp(server.base, BEN);
  const browser = await openBrowser();
  const ann = await browser.openWindow(PHONE);
  const ben = await browser.openWindow(DESKTOP);
  await ann.goto(server.base);
  await signInOn(ann, 'ann');
  const hers = findPost(ann, 'Lunch on the veranda');
  await hers.getByTestId('comment-toggle').click();

  await ben.goto(server.base);
  await tabTo(ben, '[name=username]');
  await ben.keyboard.type('ben');
  await tabTo(ben, '[name=password]');
  await ben.keyboard.type(PASSWORD);
  await ben.keyboard.press('Enter');
  await findPost(ben, 'Lunch on the veranda').waitFor();

  await tabTo(ben, '[data-testid=like]');
  await ben.keyboard.press('Enter');
  await expectText(hers.getByTestId('like-count'), '1');
  await expectText(ben.getByTestId('like-count'), '1');

  await tabTo(ben, '[data-testid=comment-toggle]');
  await ben.keyboard.press('Enter');
  await expect.poll(() => isFocused(ben, '[data-testid=comment-input]'), PATIENCE).toBe(true);
  await ben.keyboard.type('Is there some left?');
  await ben.keyboard.press('Enter');
  await hers.getByTestId('comment').getByText('Is there some left?').waitFor();

  await tabTo(ben, '[data-testid=comment-like]', 'Shift+Tab');
  await ben.keyboard.press('Enter');
  await expectText(hers.getByTestId('comment-like-count'), '1');
  for (const page of [ann, ben]) {
    await expectFits(page);
    await expectPressable(page);
  }
});

test('what has the focus is not behind the bars, and the end of a page not behind uploads', async () => {
  await using server = await startServer();
  const poster = await signUp(server.base, ANN);
  for (let count = 1; count <= 6; count += 1) await say(server.base, poster, `Thought ${count}`);
  const browser = await openBrowser();
  const ann = await browser.openWindow(PHONE);
  await ann.goto(server.base);
  await signInOn(ann, 'ann');
  await findPost(ann, 'Thought 1').waitFor();
  for (const key of ['Tab', 'Shift+Tab']) {
    for (let presses = 0; presses < 35; presses += 1) {
      await ann.keyboard.press(key);
      expect(await ann.evaluate<string>(COVERED)).toBe('');
    }
  }

  await ann.route('**/add/media/image/', () => undefined);
  const files = ['a.png', 'b.png', 'c.png'].map((name) => ({ name, mimeType: 'image/png', buffer: DOT }));
  await ann.getByTestId('composer-file').setInputFiles(files);
  await ann.getByTestId('composer-submit').click();
  await expect.poll(() => ann.getByTestId('upload-cancel').count(), PATIENCE).toBe(files.length);
  await ann.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
  const end = await ann.getByText('That is all there is.').boundingBox();
  const tray = await ann.getByRole('complementary', { name: 'Uploads' }).boundingBox();
  expect((end?.y ?? Infinity) + (end?.height ?? 0)).toBeLessThanOrEqual(tray?.y ?? 0);
});

test('people find each other, follow, change their minds and leave', async () => {
  await using server = await startServer();
  await signUp(server.base, ANN);
  await signUp(server.base, BEN);
  const browser = await openBrowser();
  const ann = await browser.openWindow(PHONE);
  const ben = await browser.openWindow(DESKTOP);
  for (const [page, name] of [
    [ann, 'ann'],
    [ben, 'ben'],
  ] as const) {
    await page.goto(server.base);
    await signInOn(page, name);
  }
  await publishOn(ann, 'Strawberries at the market');
  await publishOn(ann, 'Rain all day');

  await search(ben, 'strawberries');
  await findPost(ben, 'Strawberries at the market').waitFor();
  expect(await ben.getByTestId('post').count()).toBe(1);

  await ben.getByTestId('post').getByRole('link', { name: 'Ann Lee' }).click();
  await ben.getByTestId('follow').click();
  await expectText(ben.getByTestId('follower-count'), '1 follower');
  await ben.reload();
  await expectText(ben.getByTestId('follower-count'), '1 follower');
  await goHome(ben);
  await ben.getByTestId('followed').click();
  await findPost(ben, 'Rain all day').waitFor();
  expect(await ben.getByTestId('post').count()).toBe(2);
  await expectFits(ben);
  await expectPressable(ben);
  await findPost(ben, 'Rain all day').getByRole('link', { name: 'Ann Lee' }).click();
  await ben.getByTestId('follow').click();
  await expectText(ben.getByTestId('follower-count'), '0 followers');
  await expectFits(ben);
  // Nobody is followed now: what was there a moment ago is not.
  await goHome(ben);
  await findPost(ben, 'Rain all day').waitFor();
  await ben.getByTestId('followed').click();
  await ben.getByText('What the people say whom you follow').waitFor();
  expect(await ben.getByTestId('post').count()).toBe(0);

  await findPost(ann, 'Strawberries at the market').getByTestId('edit').click();
  await ann.getByTestId('edit-text').fill('Cherries at the market');
  await ann.getByTestId('edit-submit').click();
  await findPost(ann, 'Cherries at the market').waitFor();
  await search(ben, 'strawberries');
  await ben.getByText('Nothing speaks of this yet.').waitFor();
  await search(ben, 'cherries');
  await findPost(ben, 'Cherries at the market').waitFor();

  await findPost(ann, 'Cherries at the market').getByTestId('delete').click();
  await ann.getByTestId('delete-confirm').click();
  await findPost(ann, 'Cherries at the market').waitFor({ state: 'detached' });
  await ann.reload();
  await findPost(ann, 'Rain all day').waitFor();
  expect(await ann.getByTestId('post').count()).toBe(1);
  await expectFits(ann);

  await signOutOn(ann);
  await ann.goto(server.base);
  await ann.getByTestId('signin-submit').waitFor();
  expect(await ann.evaluate('localStorage.length')).toBe(0);
});

test('what is said, changed and taken back shows on open pages by itself', async () => {
  await using server = await startServer();
  const [annHerself, benHimself] = [await signUp(server.base, ANN), await signUp(server.base, BEN)];
  const older = await say(server.base, annHerself, 'Tea at four');
  const send = (path: string, body: object): Promise<unknown> =>
    call(server.base, `/api/posts/post/${path}/`, { token: annHerself.access, body });
  const browser = await openBrowser();
  const ben = await browser.openWindow(DESKTOP);
  await ben.goto(server.base);
  await signInOn(ben, 'ben');
  await findPost(ben, 'Tea at four').waitFor();

  const newer = await say(server.base, annHerself, 'The kettle is on');
  // One's own is not offered, and what happens to older ones offers nothing.
  await say(server.base, benHimself, 'On my way');
  await send('add/like', { postID: older });
  await expectText(findPost(ben, 'Tea at four').getByTestId('like-count'), '1');
  await expectText(ben.getByTestId('new-posts'), '1 new post');
  expect(await findPost(ben, 'The kettle is on').count()).toBe(0);
  await ben.getByTestId('new-posts').click();
  await findPost(ben, 'The kettle is on').waitFor();

  await send('create', { description: 'The kettle is whistling', existingPostId: newer });
  await findPost(ben, 'The kettle is whistling').waitFor();
  await call(server.base, `/api/posts/post/${older}/`, { method: 'DELETE', token: annHerself.access });
  await findPost(ben, 'Tea at four').waitFor({ state: 'detached' });
});

const goHome = (page: Page): Promise<void> => page.getByRole('link', { name: 'Veranda, home' }).click();

test('what was said is taken back by who said it, and by an admin; a password is changed, an account deleted', async () => {
  await using server = await startServer();
  const poster = await signUp(server.base, ANN);
  await signUp(server.base, BEN);
  const postId = await say(server.base, poster, 'Who left the gate open?');
  for (const commentContent of ['I did', 'Not me'])
    await call(server.base, '/api/posts/post/add/comment/', {
      token: poster.access,
      body: { postID: postId, commentContent },
    });
  const browser = await openBrowser();
  const ben = await browser.openWindow(PHONE);
  await ben.goto(`${server.base}/signin`);
  await signInOn(ben, 'ben');
  await ben.goto(`${server.base}/posts/${postId}`);
  await ben.getByTestId('comment').first().waitFor();
  expect(await ben.getByTestId('comment-delete').count()).toBe(0);
  expect(await ben.getByTestId('delete').count()).toBe(0);

  await server.app.users.accounts.setRole({ username: 'ben', role: 'admin' });
  await ben.reload();
  const said = ben.getByTestId('comment').filter({ hasText: 'I did' });
  await said.getByTestId('comment-delete').click();
  await expectFits(ben);
  await ben.getByTestId('delete-confirm').click();
  await said.waitFor({ state: 'detached' });
  expect(await ben.getByTestId('comment').count()).toBe(1);
  expect(await ben.getByTestId('edit').count()).toBe(0);
  await expectPressable(ben);
  await ben.getByTestId('delete').click();
  await ben.getByTestId('delete-confirm').click();
  await ben.getByText('The post is deleted.').waitFor();

  await ben.goto(`${server.base}/people/${poster.id + 1}`);
  await ben.getByTestId('profile-edit').click();
  await ben.getByText('Change password').first().click();
  const form = ben.getByTestId('password-form');
  await form.locator('[name=password]').fill('Wrong-Harbour-42');
  await form.locator('[name=new_password]').fill('Calm-Lighthouse-52');
  await ben.getByTestId('password-save').click();
  await ben.getByText('This is not your present password.').waitFor();
  await expectFits(ben);
  await form.locator('[name=password]').fill(PASSWORD);
  await ben.getByTestId('password-save').click();
  await ben.getByText('Your password is changed.').waitFor();
  await signOutOn(ben);
  await ben.goto(`${server.base}/signin`);
  await signInOn(ben, 'ben', 'Calm-Lighthouse-52');

  await ben.goto(`${server.base}/people/${poster.id + 1}`);
  await ben.getByTestId('profile-edit').click();
  await ben.getByText('Delete account').click();
  const leaving = ben.getByTestId('departure-form');
  await leaving.locator('input').fill(PASSWORD);
  await ben.getByTestId('departure-confirm').click();
  await ben.getByText('This is not your present password.').waitFor();
  await expectFits(ben);
  await expectPressable(ben);
  await leaving.locator('input').fill('Calm-Lighthouse-52');
  await ben.getByTestId('departure-confirm').click();
  await ben.getByText('Your account is deleted.').waitFor();
  await ben.getByTestId('signin-submit').waitFor();
  expect(await ben.evaluate('localStorage.length')).toBe(0);
  expect(new URL(ben.url()).search).toBe('');
  await server.app.worker.idle();
  expect((await server.app.users.accounts.list()).map(({ username }) => username)).toEqual(['ann']);
});

test('a site has its own name, and says whom to ask where nobody may sign up', async () => {
  const named = { SITE_NAME: 'Our Street', SITE_CONTACT: 'kim@example.org', SIGN_UP: 'closed' };
  await using server = await startServer(named);
  const browser = await openBrowser();
  const page = await browser.openWindow(PHONE);
  await page.goto(`${server.base}/signin`);
  await page.getByText('Ask kim@example.org.').waitFor();
  await expectText(page.locator('.wordmark'), 'Our Street');
  await expect.poll(() => page.title(), PATIENCE).toBe('Sign in · Our Street');
  expect(await page.getByRole('link', { name: 'Make an account' }).count()).toBe(0);
  await expectFits(page);
});

async function search(page: Page, words: string): Promise<void> {
  await page.getByTestId('search-input').fill(words);
  await page.getByTestId('search-input').press('Enter');
}

const isFocused = async (page: Page, selector: string): Promise<boolean> =>
  page.evaluate<boolean>(`document.activeElement?.matches(${JSON.stringify(selector)}) ?? false`);

/** Presses Tab until the focus is there; a page that cannot be walked through fails. */
async function tabTo(page: Page, selector: string, key = 'Tab'): Promise<void> {
  await page.locator(selector).first().waitFor();
  for (let presses = 0; presses < 40; presses += 1) {
    if (await isFocused(page, selector)) return;
    await page.keyboard.press(key);
  }
  throw new Error(`${selector} cannot be reached with ${key}`);
}
