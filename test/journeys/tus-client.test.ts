// tus-js-client as it is published for browsers, on a page of the site's own origin, over a network that breaks.
import { createHash } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { join as joinSite, type Person, say } from '../support/classic-client.ts';
import { openBrowser } from '../support/browser.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { publish } from '../support/tus.ts';

const CLIENT = fileURLToPath(import.meta.resolve('tus-js-client').replace(/lib[^]*$/, 'dist/tus.js'));
const SIZE = 6_000_000;

test('an upload goes on by itself after its connection is lost, and after its page is reloaded', async () => {
  await using server = await startServer();
  await using network = await startFaultProxy(server.base);
  const ann = await joinSite(server.base);
  const file = makeFile(SIZE);
  const film = join(server.dataDir, 'walk.mp4');
  await writeFile(film, file);
  const page = await (await openBrowser()).openWindow();
  const patched = offsetsOf(page);
  await servePage(page, network.base);

  const first = network.stopAfter(2_000_000);
  await page.goto(`${network.base}/uploader`);
  await page.locator('input').setInputFiles(film);
  const left = upload(page, ann).catch(() => undefined);
  const stopped = await first;
  await expect.poll(() => countStored(server)).toBeGreaterThan(1_000_000);
  await page.reload();
  stopped.cut();
  await left;
  expect(patched).toEqual([0]);

  const second = network.stopAfter(2_000_000);
  await page.locator('input').setInputFiles(film);
  const done = upload(page, ann);
  const stoppedAgain = await second;
  const [, afterReload = 0] = patched;
  expect(afterReload).toBeGreaterThan(1_000_000);
  await expect.poll(() => countStored(server)).toBeGreaterThan(afterReload + 1_000_000);
  stoppedAgain.cut();
  const path = await done;

  // One reload and one loss: two more requests with bytes, each from where the upload stood.
  expect(patched.length).toBe(3);
  expect(patched[2]).toBeGreaterThan(afterReload + 1_000_000);
  const postID = await say(server.base, ann, 'from a browser');
  const stored = await publish(server.base, { person: ann, path, postID });
  expect(sha256(stored)).toBe(sha256(file));
});

/** Uploads the file of the page's field, or goes on with it, and answers its address. */
const UPLOADER = `
  async function upload(access) {
    const [file] = document.querySelector('input').files;
    return new Promise((resolve, reject) => {
      const one = new tus.Upload(file, {
        endpoint: '/api/uploads',
        headers: { Authorization: 'Bearer ' + access },
        metadata: { filename: file.name },
        retryDelays: [0, 100, 500, 1000, 2000],
        onError: reject,
        onSuccess: () => resolve(one.url),
      });
      one.findPreviousUploads().then(([before]) => {
        if (before) one.resumeFromPreviousUpload(before);
        one.start();
      });
    });
  }`;

/** A page with the client's script and a field for a file. */
async function servePage(page: Page, base: string): Promise<void> {
  const scripts = { '/tus.js': await readFile(CLIENT, 'utf8'), '/uploader.js': UPLOADER };
  const tags = Object.keys(scripts).map((source) => `<script src="${source}"></script>`);
  const html = `<!doctype html><title>Upload</title>${tags.join('')}<input type="file">`;
  await page.route(`${base}/uploader`, (route) => route.fulfill({ contentType: 'text/html', body: html }));
  for (const [source, body] of Object.entries(scripts))
    await page.route(base + source, (route) => route.fulfill({ contentType: 'text/javascript', body }));
}

const upload = (page: Page, { access }: Person): Promise<string> =>
  page.evaluate(`upload(${JSON.stringify(access)})`);

/** Bytes of the only upload that are on the disk. */
async function countStored({ dataDir }: TestServer): Promise<number> {
  const [draft = ''] = await readdir(join(dataDir, 'uploads'));
  return (await stat(join(dataDir, 'uploads', draft))).size;
}

/** Where each request with bytes went, as they are sent. */
function offsetsOf(page: Page): number[] {
  const offsets: number[] = [];
  page.on('request', (request) => {
    if (request.method() === 'PATCH') offsets.push(Number(request.headers()['upload-offset']));
  });
  return offsets;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
