import { once } from 'node:events';
import { connect, createServer as createSocketServer } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { expect, onTestFinished, test, vi } from 'vitest';
import { rawRequest, sendRaw } from '../../test/support/raw-http.ts';
import { createHeldBodies } from './held-bodies.ts';
import { listenOn } from './listening.ts';
import { createServer } from './server.ts';

const IDLE_MS = 200;
/** Any of them is this machine. */
const ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'];

/** A server of one route, which answers when `think` is called. */
async function serve(at = 0) {
  const thought = Promise.withResolvers<void>();
  const app = await createServer({
    allowedHosts: ['localhost'],
    allowedOrigins: [],
    trustedProxies: [],
    onRoute: undefined,
    heldBodies: createHeldBodies({ maxBytes: 2 ** 20 }),
    timeouts: { headersMs: 10_000, bodyMs: 30_000, idleMs: IDLE_MS, keepAliveMs: 75_000 },
    logger: pino({ level: 'silent' }),
    doors: [
      async (door) => {
        door.get('/thoughtful', async () => {
          await thought.promise;
          return { thought: true };
        });
      },
    ],
  });
  onTestFinished(() => app.close());
  await listenOn(app, { addresses: [...ADDRESSES, ...ADDRESSES], port: at });
  const bound = app.server.address();
  const port = typeof bound === 'object' && bound ? bound.port : 0;
  return {
    app,
    port,
    think: thought.resolve,
    bases: ADDRESSES.map((address) => `http://${address}:${port}`),
  };
}

test('what is refused below the routes is refused on every address alike', async () => {
  const { bases } = await serve();
  for (const base of bases) {
    const tunnel = await sendRaw(base, rawRequest('CONNECT example.org:443 HTTP/1.1'));
    expect([tunnel.status, tunnel.body]).toEqual([501, '{"detail":"This method is not known here."}']);
    const nonsense = await sendRaw(base, 'nonsense\r\n\r\n');
    expect([nonsense.status, nonsense.body]).toEqual([400, '{"detail":"The request is not valid."}']);
    const headers = ['Host: localhost', ...Array<string>(200).fill('x: y')];
    expect((await sendRaw(base, rawRequest('GET /thoughtful HTTP/1.1', headers))).status).toBe(431);
  }
});

test('a server that thinks cuts nobody on any address, however long, and who does nothing is cut on each', async () => {
  const { app, bases, port, think } = await serve();
  const asked = bases.map((base) => sendRaw(base, rawRequest('GET /thoughtful HTTP/1.1')));
  const idle = ADDRESSES.map((host) => once(connect({ host, port }), 'close'));
  const timeouts = vi.fn<() => void>();
  app.server.on('timeout', timeouts);
  await Promise.all(idle);
  await vi.waitFor(() => expect(timeouts.mock.calls.length).toBeGreaterThanOrEqual(2 * ADDRESSES.length));
  think();
  for (const answer of await Promise.all(asked))
    expect([answer.status, answer.body]).toEqual([200, '{"thought":true}']);
});

test('a server that closes answers what it was asked on every address, and takes no more on any', async () => {
  const { app, bases, think } = await serve();
  const heard = times(app, 'request');
  const asked = bases.map((base) => sendRaw(base, rawRequest('GET /thoughtful HTTP/1.1')));
  await heard;
  const closed = app.close();
  for (const base of bases) await vi.waitFor(() => expect(fetch(base)).rejects.toThrow('fetch failed'));
  think();
  for (const { status } of await Promise.all(asked)) expect(status).toBe(200);
  await closed;
});

test('connections of every address are closed with the others', async () => {
  const { app, port } = await serve();
  const accepted = times(app, 'connection');
  const sockets = ADDRESSES.map((host) => connect({ host, port }));
  await accepted;
  const closed = sockets.map((socket) => once(socket, 'close'));
  app.server.closeAllConnections();
  await Promise.all(closed);
  expect(sockets.every((socket) => socket.closed)).toBe(true);
});

test('an address beyond the first that is taken is done without', async () => {
  const holder = createSocketServer().listen(0, '127.0.0.2');
  await once(holder, 'listening');
  onTestFinished(() => void holder.close());
  const { port, think } = await serve((holder.address() as { port: number }).port);
  think();
  for (const host of ['127.0.0.1', '127.0.0.3']) {
    const answer = await sendRaw(`http://${host}:${port}`, rawRequest('GET /thoughtful HTTP/1.1'));
    expect(answer.status).toBe(200);
  }
});

/** When it has happened once for each address. */
function times({ server }: FastifyInstance, event: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  server.on(event, () => {
    if ((count += 1) === ADDRESSES.length) resolve();
  });
  return promise;
}
