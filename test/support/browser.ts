// A real Chromium for a test, with nothing of an earlier run in it. Everybody gets a window of their own that shares
// nothing with the others. Whatever a page did not catch, and whatever its content policy had to stop, fails the test.

import { chromium, type BrowserContextOptions, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { findTools } from './tools.ts';

export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } as const;
export const DESKTOP = { viewport: { width: 1280, height: 900 } } as const;

export interface TestBrowser {
  /** The first page of somebody who has never been here. */
  openWindow(options?: BrowserContextOptions): Promise<Page>;
}

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** How long a page may take to show something that is under way, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Call it inside a test: it is closed, and its complaints are looked at, when that test ends. */
export async function openBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: findTools().chromium,
    headless: true,
    args: FLAGS,
  });
  const complaints: string[] = [];
  onTestFinished(async () => {
    await browser.close();
    expect(complaints, 'what pages did not catch').toEqual([]);
  });
  return {
    async openWindow(options = DESKTOP) {
      const context = await browser.newContext(options);
      context.setDefaultTimeout(PATIENCE_MS);
      context.on('weberror', (error) => complaints.push(error.error().stack ?? String(error.error())));
      context.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) complaints.push(message.text());
      });
      return context.newPage();
    },
  };
}
