// What people do on the site's own page, by what they see and press.

import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

export interface Account {
  username: string;
  firstName: string;
  lastName: string;
  /** Path of a file. */
  picture?: string;
}

export const PASSWORD = 'Quiet-Harbour-41';
/** How long a page may take to show something that is under way. */
export const PATIENCE = { timeout: 30_000 };

/** Makes an account and is signed in with the feed open. */
export async function signUpOn(page: Page, base: string, account: Account): Promise<void> {
  await page.goto(`${base}/signup`);
  if (account.picture !== undefined) {
    await page.getByTestId('signup-picture').setInputFiles(account.picture);
    await page.getByText('Your picture').waitFor();
  }
  await page.locator('[name=first_name]').fill(account.firstName);
  await page.locator('[name=last_name]').fill(account.lastName);
  await page.locator('[name=username]').fill(account.username);
  await page.locator('[name=email]').fill(`${account.username}@example.org`);
  await page.locator('[name=password]').fill(PASSWORD);
  await page.getByTestId('signup-submit').click();
  await page.getByTestId('composer-text').waitFor();
}

export async function signInOn(page: Page, username: string, password = PASSWORD): Promise<void> {
  await page.locator('[name=username]').fill(username);
  await page.locator('[name=password]').fill(password);
  await page.getByTestId('signin-submit').click();
  await page.getByTestId('composer-text').waitFor();
}

export async function signOutOn(page: Page): Promise<void> {
  await page.getByTestId('signout').click();
  await page.getByTestId('signin-submit').waitFor();
}

/** Publishes by the composer and answers the card of the new post. */
export async function publishOn(page: Page, text: string, files: string[] = []): Promise<Locator> {
  await page.getByTestId('composer-text').fill(text);
  if (files.length > 0) await page.getByTestId('composer-file').setInputFiles(files);
  await page.getByTestId('composer-submit').click();
  const card = findPost(page, text);
  await card.waitFor();
  return card;
}

export const findPost = (page: Page, text: string): Locator =>
  page.getByTestId('post').filter({ hasText: text });

/** Waits until exactly this stands there. */
export async function expectText(place: Locator, text: string): Promise<void> {
  await expect.poll(() => place.textContent(), PATIENCE).toBe(text);
}

/** Nothing sticks out at the side. */
export async function expectFits(page: Page): Promise<void> {
  expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0);
}

/** What is to be pressed can be hit with a finger: 24 points, as WCAG 2.2 has it. Links within a text go with its lines. */
export async function expectPressable(page: Page): Promise<void> {
  const small = `[...document.querySelectorAll('a, button, input, select, textarea')]
    .filter((one) => one.checkVisibility() && !one.closest('.unseen, .plain-text'))
    .filter((one) => Math.min(one.getBoundingClientRect().width, one.getBoundingClientRect().height) < 24)
    .map((one) => one.outerHTML)`;
  expect(await page.evaluate(small)).toEqual([]);
}

/** Text frames of the live sockets that the page opens from now on. */
export function overhear(page: Page): string[] {
  const frames: string[] = [];
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => frames.push(payload.toString()));
  });
  return frames;
}
