// Clients that are slow: to begin, to send, to read, to ask again. Whoever stands still is cut; whoever is merely slow is not.
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join as joinPath } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createHeldBodies } from '../../src/api/held-bodies.ts';
import { createServer } from '../../src/api/server.ts';
import { asDataUrl, call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { listen } from '../support/likes-socket.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const BODY_MS = 500;
const HOST = 'Host: localhost';

/** Waits for nobody long. */
let hasty: TestServer;
let ann: Person;
beforeAll(async () => {
  hasty = await startServer({
    BODY_TIMEOUT: `${BODY_MS}ms`,
    HEADERS_TIMEOUT: '500ms',
    IDLE_TIMEOUT: '1s',
  });
  ann = await join(hasty.base);
});
afterAll(() => hasty[Symbol.asyncDispose]());

describe('a client that is slow', () => {
  test('to begin is hung up on, and is told so only if it began', async () => {
    const silent = await dial(hasty.base);
    await silent.closed;
    expect(silent.text()).toBe('');
    const slow = await dial(hasty.base);
    slow.socket.write('GET / HTTP/1.1\r\nHost: loc');
    await slow.closed;
    expect(slow.text()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('and stops in the middle of a body is cut', async () => {
    const { socket, closed } = await dial(hasty.base);
    const began = performance.now();
    socket.write(jsonPost(100));
    socket.write('{"username":');
    await closed;
    expect(performance.now() - began).toBeGreaterThan(BODY_MS);
  });

  test('and trickles an ordinary body in is cut', async () => {
    const { socket } = await dial(hasty.base);
    socket.write(jsonPost(10_000));
    const stopped = await paced(socket, { piece: ' ', everyMs: 50, times: 200 });
    expect(stopped).toBe(true);
  });

  test('and brings an ordinary body at 2 kB a second is heard to the end', async () => {
    const client = await dial(hasty.base);
    const body = JSON.stringify({ username: 'nobody', password: 'x' }).padEnd(3_000, ' ');
    client.socket.write(jsonPost(body.length));
    for (let sent = 0; sent < body.length; sent += 200) {
      client.socket.write(body.slice(sent, sent + 200));
      await delay(100);
    }
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('and uploads a few bytes at a time is heard to the end', async () => {
    const client = await dial(hasty.base);
    const { head, body } = chunkPost('slow.mp4', Buffer.from('a piece of a video'));
    client.socket.write(head);
    const step = Math.ceil(body.length / 15);
    for (let sent = 0; sent < body.length; sent += step) {
      client.socket.write(body.slice(sent, sent + step));
      await delay(100);
    }
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('and begins an upload with a few bytes at a time is heard to the end', async () => {
    const client = await dial(hasty.base);
    const [body, step] = ['a piece of a video', 1];
    const lines = [
      'POST /api/uploads HTTP/1.1',
      ...[HOST, `Authorization: Bearer ${ann.access}`, 'Tus-Resumable: 1.0.0', 'Upload-Length: 100'],
      ...['Content-Type: application/offset+octet-stream', `Content-Length: ${body.length}`],
    ];
    client.socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`);
    for (let sent = 0; sent < body.length; sent += step) {
      client.socket.write(body.slice(sent, sent + step));
      await delay(100);
    }
    await client.closed;
    expect(client.text()).toMatch(/^HTTP\/1\.1 201 /);
  });

  test('and stalls in the middle of a piece is cut, and goes on later from what it had brought before', async () => {
    const [file, filename] = [makeFile(3_000), 'stalled.mp4'];
    const { json } = await sendChunk(hasty.base, ann, { filename, bytes: file.subarray(0, 1_000) });
    const { socket, closed } = await dial(hasty.base);
    const { head, body } = chunkPost(filename, file.subarray(1_000));
    socket.write(head + body.slice(0, body.length / 2));
    await closed;
    const offset = '1000';
    await sendChunk(hasty.base, ann, { filename, bytes: file.subarray(1_000), fields: { offset } });
    const postID = await say(hasty.base, ann, 'a video');
    const finalize = { token: ann.access, body: { postID, videoID: json.id } };
    await call(hasty.base, '/api/posts/post/add/media/video/finalize/', finalize);
    const [media] = (await call(hasty.base, `/api/posts/post/${postID}/`)).json.media_files;
    const played = await fetch(hasty.base + media.file);
    expect(Buffer.from(await played.arrayBuffer()).equals(file)).toBe(true);
  });

  test('and reads nothing of a large answer is cut, and its file let go', async () => {
    const { client, peer } = await askForVideo('unread', 256 * 2 ** 20);
    let held = Infinity;
    hasty.app.server.server.prependListener('timeout', (socket: Socket) => {
      if (socket === peer) held = peer.writableLength;
    });
    await once(peer, 'close');
    expect(held).toBeLessThan(200_000);
    client.socket.resume();
    await client.closed;
    expect(peer.bytesWritten).toBeLessThan(64 * 2 ** 20);
  });

  test('and reads a large answer in small sips gets all of it', async () => {
    const size = 24 * 2 ** 20;
    const { client } = await askForVideo('sipped', size);
    let read = 0;
    client.socket.on('data', (bytes) => {
      read += bytes.length;
      client.socket.pause();
      setTimeout(() => client.socket.resume(), 5);
    });
    client.socket.resume();
    await client.closed;
    expect(read).toBeGreaterThan(size);
  });

  test('between two requests is waited for, and not for ever', async () => {
    const { base } = await serve({ keepAliveMs: 300 });
    const client = await dial(base);
    client.socket.write(`GET /quick HTTP/1.1\r\n${HOST}\r\n\r\n`);
    await once(client.socket, 'data');
    client.socket.write(`GET /quick HTTP/1.1\r\n${HOST}\r\n\r\n`);
    await client.closed;
    expect(client.text().match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });
});

test('a socket that only listens has no idle time', async () => {
  const peer = new Promise<Socket>((resolve) => hasty.app.server.server.once('connection', resolve));
  using _listener = await listen(hasty.base);
  expect((await peer).timeout).toBe(0);
});

test('a request over which the server thinks for long is not cut', async () => {
  const { app, base, think } = await serve({ idleMs: 200 });
  const answer = call(base, '/thoughtful');
  await once(app.server, 'timeout');
  think();
  expect((await answer).status).toBe(200);
});

test('a body that the server does not read on is no fault of its client', async () => {
  const { app, base, think } = await serve({ bodyMs: 200 });
  const client = await dial(base);
  // More than all buffers in between take.
  const size = 16 * 2 ** 20;
  client.socket.write(
    `POST /full HTTP/1.1\r\n${HOST}\r\nContent-Type: video/mp4\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`,
  );
  client.socket.write(Buffer.alloc(size));
  const looks = { times: 0 };
  const [peer] = (await once(app.server, 'request')) as [IncomingMessage];
  const isPaused = peer.isPaused.bind(peer);
  peer.isPaused = () => {
    looks.times += 1;
    return isPaused();
  };
  // At each look, a quarter of the time-out apart, it is asked twice.
  await vi.waitUntil(() => looks.times > 16 || peer.destroyed, { timeout: 10_000 });
  think();
  await client.closed;
  expect(client.text()).toMatch(/^HTTP\/1\.1 200 /);
});

/** A server of three routes: one answers at once, one when `think` is called, and one reads on when that is called. */
async function serve(timeouts: { keepAliveMs?: number; idleMs?: number; bodyMs?: number }) {
  const thought = Promise.withResolvers<void>();
  const app = await createServer({
    allowedHosts: ['localhost'],
    allowedOrigins: [],
    trustedProxies: [],
    onRoute: undefined,
    heldBodies: createHeldBodies({ maxBytes: 2 ** 20 }),
    timeouts: { headersMs: 10_000, bodyMs: 30_000, idleMs: 60_000, keepAliveMs: 75_000, ...timeouts },
    logger: pino({ level: 'silent' }),
    doors: [
      async (door) => {
        door.addContentTypeParser('video/mp4', (_request, _payload, done) => done(null));
        door.post('/full', async ({ raw }) => {
          raw.on('data', () => undefined).pause();
          await thought.promise;
          raw.resume();
          await once(raw, 'end');
          return { read: true };
        });
        door.get('/quick', async () => ({ quick: true }));
        door.get('/thoughtful', async () => {
          await thought.promise;
          return { thought: true };
        });
      },
    ],
  });
  onTestFinished(() => app.close());
  const base = await app.listen({ host: 'localhost', port: 0 });
  return { app, base: base.replace(/127\.0\.0\.1|\[::1\]/, 'localhost'), think: thought.resolve };
}

/** A connection of our own making, whose answer is collected. */
async function dial(base: string, { reading = true } = {}) {
  const { hostname, port } = new URL(base);
  const socket = connect({ host: hostname, port: Number(port) });
  const pieces: Buffer[] = [];
  if (reading) socket.on('data', (piece: Buffer) => pieces.push(piece));
  const closed = new Promise((resolve) => socket.on('error', () => undefined).once('close', resolve));
  await once(socket, 'connect');
  return { socket, closed, text: () => Buffer.concat(pieces).toString() };
}

/** Asks for a stored file of nothing but zeros and reads none of it; `peer` is the server's side of the connection. */
async function askForVideo(name: string, size: number) {
  const path = `videos/${name}.mp4`;
  await using file = await openStored(path);
  await file.truncate(size);
  const peer = new Promise<Socket>((resolve) => hasty.app.server.server.once('connection', resolve));
  const client = await dial(hasty.base, { reading: false });
  client.socket.write(`GET /media/${path} HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`);
  return { client, peer: await peer };
}

async function openStored(path: string) {
  await mkdir(joinPath(hasty.dataDir, 'media/videos'), { recursive: true });
  return open(joinPath(hasty.dataDir, 'media', path), 'w');
}

const jsonPost = (length: number): string =>
  [
    'POST /api/users/user/token/ HTTP/1.1',
    HOST,
    'Content-Type: application/json',
    `Content-Length: ${length}`,
    'Connection: close\r\n\r\n',
  ].join('\r\n');

/** A piece of an upload of ann's, as it goes over the wire. */
function chunkPost(filename: string, bytes: Buffer): { head: string; body: string } {
  const parts = Object.entries({ filename, chunk: asDataUrl(bytes) }).map(
    ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const body = `${parts.join('')}--b--\r\n`;
  const head = [
    'POST /api/posts/post/add/media/video/ HTTP/1.1',
    HOST,
    `Authorization: Bearer ${ann.access}`,
    'Content-Type: multipart/form-data; boundary=b',
    `Content-Length: ${body.length}`,
    'Connection: close\r\n\r\n',
  ].join('\r\n');
  return { head, body };
}

/** Writes pieces at a pace; true when the other side hung up before the last. */
async function paced(
  socket: Socket,
  { piece, everyMs, times }: { piece: string; everyMs: number; times: number },
): Promise<boolean> {
  for (let n = 0; n < times && !socket.closed; n += 1) {
    socket.write(piece);
    await delay(everyMs);
  }
  return socket.closed;
}
