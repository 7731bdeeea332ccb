// Five hundred connections to the live channel that are wrong in some way: handshakes no client makes, frames that are
// none. GENERATED_SEED asks for others.
import { once } from 'node:events';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { listen } from '../journeys/listening.ts';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';

const seed = Number(process.env['GENERATED_SEED'] ?? 2_026);
let server: TestServer;
let ann: Person;

beforeAll(async () => {
  server = await startServer();
  ann = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

/** Sends all of it, says that it is all, and answers what came until the other side hung up too. */
async function exchange(bytes: Buffer): Promise<string> {
  const { hostname, port } = new URL(server.base);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  // A server may hang up before it has read everything.
  socket.on('error', () => undefined);
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  socket.on('end', () => socket.end());
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(pieces).toString('latin1');
}

const RIGHT = {
  Host: 'localhost',
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'AAAAAAAAAAAAAAAAAAAAAA==',
};

const toHead = (line: string, headers: Record<string, string>): string =>
  [line, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');

const handshake = fc
  .record({
    line: fc.constantFrom(
      ...['GET /ws/posts/likes/ HTTP/1.1', 'POST /ws/posts/likes/ HTTP/1.1', 'GET /ws/posts/likes HTTP/1.1'],
      ...[
        'GET /ws/ HTTP/1.1',
        'GET /api/posts/ HTTP/1.1',
        'GET /ws/posts/likes/ HTTP/1.0',
        'GET /ws/posts/likes/%2e HTTP/1.1',
      ],
      ...['GET /ws/posts/likes/?a=%00 HTTP/1.1', 'GET  HTTP/1.1', 'BREW /ws/posts/likes/ HTTP/1.1'],
    ),
    left: fc.subarray(Object.keys(RIGHT)),
    odd: fc.dictionary(
      fc.constantFrom(
        ...Object.keys(RIGHT),
        'Origin',
        'Sec-WebSocket-Extensions',
        'Sec-WebSocket-Protocol',
        'Content-Length',
        'Cookie',
      ),
      fc.oneof(
        fc.constantFrom(
          '',
          '0',
          '-1',
          '8',
          '999',
          'null',
          'https://evil.example',
          'permessage-deflate; client_max_window_bits=99',
          'a,,b',
          'x'.repeat(20_000),
        ),
        fc.string({ unit: 'grapheme-ascii' }),
      ),
      { maxKeys: 2 },
    ),
  })
  .map(({ line, left, odd }) => {
    const kept = Object.entries(RIGHT).filter(([name]) => left.includes(name));
    return Buffer.from(toHead(line, { ...Object.fromEntries(kept), ...odd }), 'latin1');
  });

const frame = fc
  .record({
    first: fc.nat(255),
    masked: fc.boolean(),
    declared: fc.oneof(fc.nat(125), fc.constantFrom(126, 127)),
    rest: fc.uint8Array({ maxLength: 200 }),
  })
  .map(({ first, masked, declared, rest }) => Buffer.from([first, (masked ? 128 : 0) | declared, ...rest]));
const garbage = fc.oneof(
  frame,
  fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
);
const talk = fc
  .array(garbage, { minLength: 1, maxLength: 8 })
  .map((frames) => Buffer.concat([Buffer.from(toHead('GET /ws/posts/likes/ HTTP/1.1', RIGHT)), ...frames]));

test('whatever is sent is refused or passed over, and others hear what happens as before', async () => {
  await using listener = await listen(server.base, server.base);
  const post = await say(server.base, ann, 'live');
  let opened = 0;
  const property = fc.asyncProperty(fc.oneof(handshake, talk), async (bytes) => {
    const answer = await exchange(bytes);
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 400);
    expect(status).toBeLessThan(500);
    expect(answer).not.toMatch(/node_modules|\.ts:\d|Error:/);
    if (status === 101) opened += 1;
  });
  await fc.assert(property, { seed, numRuns: 500 });
  expect(opened).toBeGreaterThan(100);
  await call(server.base, `/api/posts/post/${post}/like/`, { method: 'PUT', token: ann.access });
  const heard = await listener.hear(({ id, likes }) => id === post && likes.length === 1);
  expect(heard.likes[0]?.id).toBe(ann.id);
});
