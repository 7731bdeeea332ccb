// A client on another origin, as the original React client is one: what the configured origin may, and others may not.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { call, join as signUp, say } from '../support/classic-client.ts';
import { startServer } from '../support/servers.ts';
import { gatherMaterial } from './material.ts';
import type { HeardPost } from './listening.ts';
import { PATIENCE } from './pages.ts';

interface Answer {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** What `other-origin/client.js` puts into its page; see there. */
interface ClientFromElsewhere {
  backend: string;
  token: string;
  frames: { post: HeardPost }[];
  get(path: string): Promise<Answer>;
  postJson(path: string, body: unknown): Promise<Answer>;
  postForm(path: string, fields: Record<string, string>): Promise<Answer>;
  draw(colour: string): string;
  sendFile(filename: string): Promise<number>;
  listen(): Promise<'open' | 'refused'>;
  showPicture(path: string): Promise<'shown' | 'broken'>;
  openFile(path: string): Promise<'opened' | 'broken'>;
  playStream(path: string): Promise<number[]>;
}
declare const client: ClientFromElsewhere;

const ENCODING = { timeout: 120_000 };

test('a client on a configured origin signs up, posts, plays and hears, from its own origin', async () => {
  await using material = await gatherMaterial();
  await using elsewhere = await serveElsewhere();
  await using server = await startServer({ CORS_ALLOWED_ORIGINS: elsewhere.origin });
  const browser = await openBrowser();
  const page = await browser.openWindow();
  await page.goto(elsewhere.origin);
  await page.evaluate((backend) => (client.backend = backend), server.base);

  const profileId = await enter(page);
  expect(await page.evaluate(() => client.listen())).toBe('open');
  const postId = await publish(page, material.video);

  // In all sizes: until then frames tell how far it is.
  await expect
    .poll(() => lastHeard(page), ENCODING)
    .toMatchObject({ id: postId, media_files: [{}, { sizes: [240, 360, 480, 720] }] });
  const { media_files: media } = await lastHeard(page);
  const [picture, video] = media;
  expect(await page.evaluate((path) => client.showPicture(path), picture?.file ?? '')).toBe('shown');
  expect(await page.evaluate((path) => client.openFile(path), video?.file ?? '')).toBe('opened');
  expect(await page.evaluate((path) => client.playStream(path), video?.hls_url ?? '')).toEqual([
    ...[240, 360, 480, 720],
  ]);

  const liked = await page.evaluate(
    ([postID, author]) => client.postJson('/api/posts/post/add/like/', { postID, author }),
    [postId, profileId],
  );
  expect(liked).toEqual({ status: 200, body: ['Like was added scucessfully'] });
  await expect.poll(async () => (await lastHeard(page)).likes, PATIENCE).toMatchObject([{ id: profileId }]);

  const deleted = await page.evaluate((id) => client.get(`/api/posts/post/delete/${id}`), postId);
  expect(deleted).toEqual({ status: 200, body: '200' });
});

test('a page of another origin gets no answer to read, and no socket', async () => {
  await using elsewhere = await serveElsewhere();
  await using server = await startServer({ CORS_ALLOWED_ORIGINS: 'http://localhost:3000' });
  const ann = await signUp(server.base);
  await say(server.base, ann, 'Lunch on the veranda');
  const browser = await openBrowser();
  const page = await browser.openWindow();
  await page.goto(elsewhere.origin);
  await page.evaluate(({ backend, token }) => Object.assign(client, { backend, token }), {
    backend: server.base,
    token: ann.access,
  });

  await expect(page.evaluate(() => client.get('/api/posts/?page=1'))).rejects.toThrow('Failed to fetch');
  const post = page.evaluate(() => client.postJson('/api/posts/post/create/', { description: 'Spam' }));
  await expect(post).rejects.toThrow('Failed to fetch');
  expect(await page.evaluate(() => client.listen())).toBe('refused');
  const { json } = await call(server.base, '/api/posts/', { token: ann.access });
  expect(json).toHaveLength(1);
});

/** Signs up with a picture and in; answers the profile's id. */
async function enter(page: Page): Promise<number> {
  const account = { username: 'cara', password: 'Quiet-Harbour-41' };
  const more = { first_name: 'Cara', last_name: 'Lind', email: 'cara@example.org' };
  const made = await page.evaluate(
    (fields) =>
      client.postForm('/api/users/user/register/', { ...fields, profile_image: client.draw('teal') }),
    { ...account, ...more },
  );
  expect(made.status).toBe(201);
  const { body } = await page.evaluate(
    (fields) => client.postForm('/api/users/user/token/', fields),
    account,
  );
  await page.evaluate((token) => (client.token = token), body.access as string);
  const own = await page.evaluate(() => client.get('/api/users/author/'));
  expect(await page.evaluate((path) => client.showPicture(path), own.body.profile_picture)).toBe('shown');
  return own.body.id;
}

/** A post with words, a picture out of a canvas and a video in pieces; answers its id. */
async function publish(page: Page, video: string): Promise<number> {
  const words = { authorName: 'cara', description: 'From elsewhere', mediaFiles: [{}, {}] };
  const { body: created } = await page.evaluate((body) => client.postJson('/api/posts/post/create/', body), {
    ...words,
    existingPostId: '',
    deleteImages: [],
  });
  expect(created).toEqual({ message: 'Post created successfully', post_id: expect.any(Number) });
  const postID: number = created.post_id;
  const picture = await page.evaluate(
    (id) =>
      client.postJson('/api/posts/post/add/media/image/', { postID: id, imageBase64: client.draw('coral') }),
    postID,
  );
  expect(picture).toEqual({ status: 200, body: { message: 'Image Added suffcefull' } });
  await page.locator('input').setInputFiles(video);
  const videoID = await page.evaluate((name) => client.sendFile(name), `${postID}-cara-11/22/2026-clip.mp4`);
  const finalized = await page.evaluate(
    (body) => client.postJson('/api/posts/post/add/media/video/finalize/', body),
    { postID, videoID },
  );
  expect(finalized).toEqual({ status: 200, body: ['Video Added Successfully'] });
  return postID;
}

const lastHeard = async (page: Page): Promise<HeardPost> =>
  page.evaluate(() => (client.frames.at(-1)?.post ?? {}) as HeardPost);

/** Serves the client's three files on a port, and so an origin, of its own. */
async function serveElsewhere() {
  const file = async (name: string) => readFile(new URL(`other-origin/${name}`, import.meta.url));
  const files = new Map([
    ['/', { type: 'text/html', content: await file('index.html') }],
    ['/client.js', { type: 'text/javascript', content: await file('client.js') }],
    ['/hls.js', { type: 'text/javascript', content: await readFile(findHlsScript()) }],
  ]);
  const server = createServer((request, response) => {
    const found = files.get(request.url ?? '');
    response.writeHead(found ? 200 : 404, { 'content-type': found?.type ?? 'text/plain' });
    response.end(found?.content);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the client is served nowhere');
  return {
    origin: `http://localhost:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const findHlsScript = (): string => createRequire(import.meta.url).resolve('hls.js/dist/hls.min.js');
