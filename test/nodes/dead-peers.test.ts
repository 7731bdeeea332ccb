// Sockets whose other end is gone, on one of two nodes: silent, or reset by hundreds at once. Nobody else notices, and their places
// are free again.
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Person, say } from '../support/classic-client.ts';
import { knock, type Listener, listen, shakeHands } from '../support/likes-socket.ts';
import { connectNodes, like, type Nodes, startNodes } from './nodes.ts';

vi.setConfig({ testTimeout: 60_000 });

/** Of one address, on each node. */
const MOST = 300;

let nodes: Nodes;
let ann: Person;
beforeEach(async () => {
  // Pings go out when the test says so.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  nodes = await startNodes({ MAX_SOCKETS_PER_ADDRESS: String(MOST) });
  ann = await connectNodes(nodes);
});
afterEach(async () => {
  await nodes[Symbol.asyncDispose]();
  vi.useRealTimers();
});

/** A like on one node comes to the listener at the other. */
async function expectNews(listener: Listener): Promise<void> {
  const postID = await say(nodes.one.base, ann, 'news');
  await like(nodes.one, ann, postID);
  await listener.until((frame) => frame.post_id === postID);
}

test('300 sockets that are reset at once, as frames are sent to them, leave nothing behind', async () => {
  const { base, app } = nodes.two;
  const { server } = app.server;
  const countConnections = (): Promise<number> => promisify(server.getConnections.bind(server))();
  using alive = await listen(base);
  const fill = async () => {
    const crowd = await Promise.all(Array.from({ length: MOST - 1 }, () => shakeHands(base)));
    expect(new Set(crowd.map(({ answer }) => answer.split('\r\n')[0]))).toEqual(
      new Set(['HTTP/1.1 101 Switching Protocols']),
    );
    expect(await knock(base)).toBe(429);
    return crowd.map(({ socket }) => socket);
  };
  await expect.poll(countConnections).toBe(1);
  const crowd = await fill();
  const news = expectNews(alive);
  await once(alive.socket, 'message');
  for (const socket of crowd) socket.resetAndDestroy();
  await news;
  await expectNews(alive);
  await expect.poll(countConnections).toBe(1);
  for (const socket of await fill()) socket.destroy();
});

test('a socket that is silent is gone within a minute of pings, while the other node has news', async () => {
  const { base } = nodes.two;
  using alive = await listen(base);
  const { socket: silent } = await shakeHands(base);
  const ended = once(silent, 'close');
  for (let second = 1; second <= 120; second += 1) {
    vi.advanceTimersByTime(1_000);
    if (second === 60) await ended;
    if (second % 10 > 0) continue;
    // Its answer to a ping is there once its own ping was answered.
    alive.socket.ping();
    await once(alive.socket, 'pong');
    if (second % 30 === 0) await expectNews(alive);
  }
  // Both nodes go on, and hear each other.
  await expectNews(alive);
});
