// What `npm run seed` puts on a site, seen as a visitor sees it: over the wire.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seed } from '../src/seed.ts';
import { createSeedClock } from '../src/seed/clock.ts';
import { call, form } from './support/classic-client.ts';
import { startServer, type TestServer } from './support/servers.ts';

const clock = createSeedClock();
const DAY_MS = 86_400_000;
/** More sizes are shown elsewhere. */
const MADE = { VIDEO_SIZES: '240,720' };

describe('a seeded site', () => {
  let site: TestServer;
  const lines: string[] = [];
  let token: string;

  beforeAll(async () => {
    site = await startServer(MADE, { now: clock.now });
    await seed({ ...site.app, clock }, (line) => lines.push(line));
    token = await signIn('maya');
  }, 240_000);
  afterAll(() => site[Symbol.asyncDispose]());

  async function signIn(username: string): Promise<string> {
    const password = /with the password (\S+)/.exec(lines.join('\n'))?.[1] ?? '';
    const { status, json } = await call(site.base, '/api/users/user/token/', {
      body: form({ username, password }),
    });
    expect(status).toBe(200);
    return json.access;
  }

  // oxlint-disable-next-line typescript/no-explicit-any
  async function readFeed(): Promise<any[]> {
    const pages = [1, 2, 3, 4, 5].map((page) => call(site.base, `/api/posts/?page=${page}`, { token }));
    return (await Promise.all(pages)).flatMap(({ json }) => json);
  }

  test('has eight people, all of whom can sign in with what was printed', async () => {
    const names = /Sign in as any of (.+)/.exec(lines.join('\n'))?.[1]?.split(', ') ?? [];
    expect(names).toHaveLength(8);
    for (const name of names) expect(await signIn(name)).not.toBe('');
  });

  test('has posts of the last days, with comments, replies and likes that are no older than what they answer', async () => {
    const feed = await readFeed();
    expect(feed).toHaveLength(16);
    const comments = feed.flatMap((post) => post.comments);
    const replies = comments.flatMap((comment) => comment.replyes);
    expect(comments.length).toBeGreaterThan(25);
    expect(replies.length).toBeGreaterThan(8);
    expect(feed.filter(({ likes }) => likes.length >= 2)).toHaveLength(16);
    const times = feed.map(({ date_created }) => Date.parse(date_created));
    expect(times).toEqual(times.toSorted((one, other) => other - one));
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThan(4 * DAY_MS);
    for (const post of feed) {
      for (const { pub_date } of post.comments)
        expect(pub_date > post.date_created && Date.parse(pub_date) < Date.now()).toBe(true);
    }
  });

  test('shows faces, pictures and covers that load', async () => {
    const feed = await readFeed();
    const me = await call(site.base, '/api/users/author/', { token });
    const files = feed.flatMap(({ auhtor, media_files }) => [
      auhtor.profile_picture,
      // oxlint-disable-next-line typescript/no-explicit-any
      ...media_files.map(({ file }: any) => file),
    ]);
    expect(files.filter((file) => file.startsWith('/media/pictures/'))).toHaveLength(13);
    for (const file of [...new Set(files), me.json.cover_image]) {
      const { status, headers } = await call(site.base, file);
      expect([status, headers.get('content-type')]).toEqual([
        200,
        expect.stringMatching(/^(image\/jpeg|video\/mp4)$/),
      ]);
    }
  });

  test('plays two videos, one of them upright', async () => {
    const feed = await readFeed();
    const videos = feed.flatMap(({ media_files }) => media_files).filter(({ filename }) => filename !== '');
    expect(new Set(videos.map(({ filename }) => filename))).toEqual(new Set(['snow.mp4', 'train.mp4']));
    const playlists = await Promise.all(videos.map(({ hls_url }) => call(site.base, hls_url)));
    const text = playlists.map((playlist) => playlist.text).join('\n');
    expect(text).toContain('RESOLUTION=1280x720');
    expect(text).toContain('RESOLUTION=720x1280');
  });

  test('knows who follows whom', async () => {
    const { json } = await call(site.base, '/api/users/author/', { token });
    expect(json.followers.length).toBeGreaterThan(3);
  });

  test('is not seeded a second time', async () => {
    const again = seed(site.app, () => undefined);
    await expect(again).rejects.toThrow(/This site has people already \(8\), so nothing was added/);
    expect(await readFeed()).toHaveLength(16);
  });
});

test('without ffmpeg there is everything but the videos, and a line that says so', async () => {
  await using site = await startServer(MADE);
  const lines: string[] = [];
  const report = { ...site.app.report, ffmpeg: undefined };
  await seed({ ...site.app, report }, (line) => lines.push(line));
  expect(lines).toContain('There is no ffmpeg here, so there are no videos.');
  expect(lines).toContain('They have posted 16 times, with 13 pictures and 0 videos.');
}, 120_000);
