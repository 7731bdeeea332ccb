// `/ws/posts/likes/`: what is sent, when, to whom, and who is not let in or kept.
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  type Answer,
  asDataUrl,
  call,
  join,
  type Person,
  say,
  sendChunk,
} from '../support/classic-client.ts';
import { KEY, knock, listen, shakeHands, VERSION } from '../support/likes-socket.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';

let server: TestServer;
let ann: Person;
let bob: Person;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
  bob = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());
afterEach(() => vi.useRealTimers());

const send = (path: string, body: unknown, person = ann): Promise<Answer> =>
  call(server.base, `/api/posts/post/${path}/`, { token: person.access, body });
// oxlint-disable-next-line typescript/no-explicit-any
const read = async (id: number): Promise<any> => (await call(server.base, `/api/posts/post/${id}/`)).json;

describe('a frame', () => {
  // What the worker still makes of pictures and videos is told of as well.
  beforeEach(() => server.app.worker.idle());

  test('is sent for likes, comments, replies and likes on both, and is the post as everybody sees it', async () => {
    using listener = await listen(server.base);
    const postID = await say(server.base, ann, 'שלום 👩‍👩‍👧');
    const expectFrame = async (path: string, body: object): Promise<void> => {
      await send(path, body, bob);
      const post = await read(postID);
      await listener.until((frame) => JSON.stringify(frame.post) === JSON.stringify(post));
      for (const frame of listener.frames) {
        expect(Object.keys(frame)).toEqual(['post_id', 'post']);
        expect(frame.post_id).toBe(postID);
        expect(frame.post.auhtor).toMatchObject({ email: '', user: 0, followers: [] });
      }
    };
    await expectFrame('add/like', { postID: String(postID) });
    await expectFrame('add/comment', { postID, commentContent: 'a comment' });
    const [{ id: commentID }] = (await read(postID)).comments;
    await expectFrame('add/reply', { postID, commentID, commentContent: 'a reply' });
    const [{ id: replyID }] = (await read(postID)).comments[0].replyes;
    await expectFrame('add/comment/like', { postID, commentID });
    await expectFrame('add/reply/like', { postID, commentID: replyID });
    expect(await read(postID)).toMatchObject({
      likes: [{ id: bob.id }],
      comments: [{ likes: [{ id: bob.id }], replyes: [{ likes: [{ id: bob.id }] }] }],
    });
  });

  test(
    'is sent when a video can be played, and its playlist is there then',
    { timeout: 90_000 },
    async () => {
      using listener = await listen(server.base);
      const folder = await mkdtemp(joinPath(tmpdir(), 'video-'));
      const path = await makeVideo({ directory: folder, width: 320, height: 180, seconds: 1 });
      const postID = await say(server.base, ann, 'a video');
      const { json } = await sendChunk(server.base, ann, {
        filename: 'clip.mp4',
        bytes: await readFile(path),
      });
      await send('add/media/video/finalize', { postID, videoID: json.id });
      await listener.until((frame) => frame.post.media_files[0]?.hls_url);
      expect(new Set(listener.frames.map((frame) => frame.post_id))).toEqual(new Set([postID]));
      const media = listener.frames.at(-1)?.post.media_files[0];
      expect(media.hls_url).toMatch(/^\/media\/hls\/.+\/master\.m3u8$/);
      expect((await call(server.base, media.hls_url)).text).toContain('#EXTM3U');
      await rm(folder, { recursive: true });
    },
  );

  test('is not sent on connecting, nor for what is created, edited, deleted or adorned', async () => {
    using listener = await listen(server.base);
    const postID = await say(server.base, ann, 'new');
    await send('create', { description: 'edited', existingPostId: postID });
    const create = { width: 8, height: 8, channels: 3 as const, background: 'red' };
    const imageBase64 = asDataUrl(await sharp({ create }).png().toBuffer());
    await send('add/media/image', { postID, imageBase64 });
    const [{ id }] = (await read(postID)).media_files;
    await send('create', { description: 'edited', existingPostId: postID, deleteImages: [id] });
    await call(server.base, `/api/posts/post/delete/${postID}`, { token: ann.access });
    await call(server.base, `/api/users/user/follower/add/${ann.id}/`, { token: bob.access });
    expect(await listener.settle(ann)).toEqual([]);
  });

  test('is not sent for what failed or changed nothing', async () => {
    using listener = await listen(server.base);
    const postID = await say(server.base, ann, 'untouched');
    await send('add/like', { postID: 999_999 });
    await send('add/comment', { postID, commentContent: '\0' });
    await call(server.base, `/api/posts/post/${postID}/like/`, { method: 'DELETE', token: ann.access });
    expect(await listener.settle(ann)).toEqual([]);
  });

  test('comes at once for the first of a burst, then few more, and the last is true', async () => {
    using listener = await listen(server.base);
    const postID = await say(server.base, ann, 'a burst');
    const begun = performance.now();
    const burst = Array.from({ length: 51 }, (_, count) =>
      send('add/like', { postID }, count < 50 ? ann : bob),
    );
    await listener.until((frame) => frame.post_id === postID);
    await Promise.all(burst);
    const windows = (performance.now() - begun) / 100;
    await listener.until((frame) => frame.post.likes.length === 1 && frame.post.likes[0].id === bob.id);
    expect(listener.frames.length).toBeLessThanOrEqual(windows + 2);
    expect(listener.frames.at(-1)?.post).toEqual(await read(postID));
    const { length } = listener.frames;
    expect(await listener.settle(ann)).toHaveLength(length);
  });

  test('of a post that vanished meanwhile is not sent, and nobody is closed for it', async () => {
    using listener = await listen(server.base);
    const [gone, other] = [await say(server.base, ann, 'gone'), await say(server.base, ann, 'other')];
    await send('add/like', { postID: gone });
    // The second waits for the end of the first one's window, when the post is no more.
    await Promise.all([send('add/like', { postID: gone }), server.app.posts.writing.remove(byAnn(gone))]);
    for (let like = 0; like < 2; like += 1) await send('add/like', { postID: other });
    await listener.until((frame) => frame.post_id === other && frame.post.likes.length === 0);
    expect(listener.frames.filter((frame) => frame.post_id === gone).length).toBeLessThanOrEqual(1);
    expect(listener.socket.readyState).toBe(WebSocket.OPEN);
  });
});

/** What the author asks for, without the way over HTTP. */
const byAnn = (id: number) => ({
  id,
  viewer: { userId: 1, profileId: ann.id, sessionId: 1, role: 'user' as const },
});

describe('a handshake', () => {
  test.for([
    'http://evil.example',
    'null',
    '',
    'file://',
    'http://localhost:3000.evil.example',
    'http://evil-localhost:3000',
    'http://localhost:3000@evil.example',
    'http://evil.example@HOST',
    'http://HOST@evil.example',
    'http://HOST.evil.example',
    'http://HOST/',
    'http://localhost:3001',
    'http://localhost:3000, http://evil.example',
  ])('of a page from "%s" is refused', async (origin) => {
    expect(
      await knock(server.base, { headers: { origin: origin.replace('HOST', new URL(server.base).host) } }),
    ).toBe(403);
  });

  test('of the own page, of a configured one and of a program is taken, with a token or without', async () => {
    for (const origin of [server.base, 'http://localhost:3000'])
      expect(await knock(server.base, { headers: { origin } })).toBe(101);
    expect(await knock(server.base)).toBe(101);
    expect(await knock(server.base, { headers: { authorization: `Bearer ${ann.access}` } })).toBe(101);
  });

  test('wants the slash, an upgrade and a host that is served', async () => {
    expect(await knock(server.base, { path: '/ws/posts/likes' })).toBe(404);
    expect(await knock(server.base, { path: '/ws/posts/others/' })).toBe(404);
    expect(await knock(server.base, { path: '/api/posts/' })).toBe(401);
    expect((await call(server.base, '/ws/posts/likes/')).status).toBe(426);
    expect((await call(server.base, '/ws/posts/likes/', { method: 'POST', body: {} })).status).toBe(404);
    expect(await knock(server.base, { headers: { host: 'evil.example' } })).toBe(400);
  });

  test('that is malformed is answered 4xx, and the server goes on', async () => {
    const knocks = [
      [KEY],
      [VERSION],
      [KEY, 'Sec-WebSocket-Version: 1'],
      ['Sec-WebSocket-Key: short', VERSION],
    ];
    for (const lines of knocks)
      expect((await shakeHands(server.base, { lines })).answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    const hostile = `Sec-WebSocket-Extensions: ${'a;'.repeat(500)}`;
    const { socket, answer } = await shakeHands(server.base, { lines: [KEY, VERSION, hostile] });
    expect(answer).toMatch(/^HTTP\/1\.1 (101|4\d\d) /);
    socket.destroy();
    expect(await knock(server.base)).toBe(101);
  });

  test('too many of one address are answered 429 until one of them is gone', async () => {
    await using small = await startServer({ MAX_SOCKETS_PER_ADDRESS: '5' });
    const tries = await Promise.allSettled(Array.from({ length: 12 }, () => listen(small.base)));
    const open = tries.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(open).toHaveLength(5);
    expect(await knock(small.base)).toBe(429);
    open[0]?.socket.close();
    await expect.poll(() => knock(small.base)).toBe(101);
    for (const listener of open) listener[Symbol.dispose]();
  });
});

describe('a listener', () => {
  test('that sends more than 64 KiB at once is closed with 1009, garbage below that is let pass', async () => {
    using listener = await listen(server.base);
    for (const text of ['not JSON', '{}', '\0', 'x'.repeat(65_536)]) listener.socket.send(text);
    expect(await listener.settle(ann)).toEqual([]);
    listener.socket.send('x'.repeat(65_537));
    expect((await once(listener.socket, 'close'))[0]).toBe(1009);
  });

  test('that talks and talks is closed with 1008, while the others go on', async () => {
    using chatter = await listen(server.base);
    using other = await listen(server.base);
    for (let count = 0; count < 4_000; count += 1) chatter.socket.send('{"type":"hello"}');
    expect((await once(chatter.socket, 'close'))[0]).toBe(1008);
    expect(await other.settle(ann)).toEqual([]);
  });

  test('that breaks the protocol is closed, while the others go on', async () => {
    using other = await listen(server.base);
    const { socket } = await shakeHands(server.base);
    // An unmasked text frame (RFC 6455 section 5.1).
    socket.write(Buffer.from([0x81, 2, 0x68, 0x69]));
    await once(socket, 'close');
    expect(await other.settle(ann)).toEqual([]);
  });

  test('that does not read is dropped, while the others get everything', async () => {
    using slow = await listen(server.base);
    using fast = await listen(server.base);
    const postID = await say(server.base, ann, 'a heavy post');
    slow.socket.pause();
    // As much as a thread shows, half a megabyte a frame: kernel buffers of some megabytes fill, then the queue.
    const commentContent = '👩'.repeat(5_000);
    await Promise.all(Array.from({ length: 26 }, () => send('add/comment', { postID, commentContent })));
    for (let count = 1; count <= 40; count += 1) {
      fast.frames.splice(0);
      await send('add/like', { postID });
      await fast.until((frame) => frame.post.likes.length === count % 2 && frame.post.comments.length === 26);
    }
    const closed = once(slow.socket, 'close');
    slow.socket.resume();
    expect((await closed)[0]).toBe(1006);
    expect(fast.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('that is gone without a word is dropped within a minute, one that answers is kept', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    await using timed = await startServer();
    using alive = await listen(timed.base);
    const { socket: silent } = await shakeHands(timed.base);
    const ended = once(silent, 'close');
    for (let second = 1; second <= 120; second += 1) {
      vi.advanceTimersByTime(1_000);
      if (second === 60) await ended;
      // Its answer to a ping is there once its own ping was answered.
      if (second % 10 === 0) {
        alive.socket.ping();
        await once(alive.socket, 'pong');
      }
    }
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('is told with 1001 that the server stops, which no silent one and no refused one can hold up', async () => {
    const stopping = await startServer();
    using listener = await listen(stopping.base);
    const closed = once(listener.socket, 'close');
    const { base } = stopping;
    const refused = [
      { path: '/%zz' },
      { path: `/api/posts/post/${'x'.repeat(400)}` },
      { host: 'evil.example' },
    ];
    const others = await Promise.all([{}, ...refused].map((odd) => shakeHands(base, odd)));
    const ended = others.map(({ socket }) => (socket.closed ? undefined : once(socket, 'close')));
    const begun = performance.now();
    await stopping[Symbol.asyncDispose]();
    expect(performance.now() - begun).toBeLessThan(8_000);
    expect((await closed)[0]).toBe(1001);
    for (const end of ended) await end;
  });
});
