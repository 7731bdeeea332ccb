// A balancer as small as one can be: each request goes to the next node that says it is ready and takes connections. What a
// node may have begun is never sent to another one.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';

export interface Balancer extends AsyncDisposable {
  readonly base: string;
}

/** Milliseconds for which a node that took no connection is passed over. */
const PAUSE_MS = 200;
/** Between two looks at whether the nodes are ready. */
const ASK_MS = 100;

export async function startBalancer(nodes: readonly string[]): Promise<Balancer> {
  const backends = nodes.map((node) => ({
    ...{ node, port: Number(new URL(node).port) },
    isReady: true,
    awayUntil: 0,
  }));
  let turn = 0;
  /** All nodes, the next one first, those that were away just now last. */
  function inTurn(): typeof backends {
    turn += 1;
    const rotated = backends
      .map((_, index) => backends[(turn + index) % backends.length])
      .filter((node) => !!node);
    const now = performance.now();
    const rank = (one: (typeof backends)[number]): number =>
      Number(one.awayUntil > now) + 2 * Number(!one.isReady);
    return rotated.toSorted((a, b) => rank(a) - rank(b));
  }

  const asking = setInterval(() => {
    for (const backend of backends)
      void fetch(`${backend.node}/ready`).then(
        ({ status }) => (backend.isReady = status === 200),
        () => (backend.isReady = false),
      );
  }, ASK_MS);

  async function open(): Promise<Socket | undefined> {
    for (const backend of inTurn()) {
      const socket = connect(backend.port, '127.0.0.1');
      try {
        await once(socket, 'connect');
        return socket;
      } catch {
        backend.awayUntil = performance.now() + PAUSE_MS;
      }
    }
    return undefined;
  }

  async function pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const socket = await open();
    if (!socket) return void answer.writeHead(502).end('no node');
    const { method = 'GET', url = '/' } = incoming;
    const headers = { ...incoming.headers, connection: 'close', 'content-length': body.length };
    const outgoing = request({ method, path: url, headers, createConnection: () => socket });
    outgoing.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.on('error', () => answer.destroy()).pipe(answer);
    });
    outgoing.on('error', () => answer.destroy());
    outgoing.end(body);
  }

  async function passSocket(incoming: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    const socket = await open();
    if (!socket) return void client.destroy();
    const lines = incoming.rawHeaders.reduce(
      (text, value, index) => text + (index % 2 === 0 ? `${value}: ` : `${value}\r\n`),
      `GET ${incoming.url} HTTP/1.1\r\n`,
    );
    socket.write(`${lines}\r\n`);
    socket.write(head);
    for (const [one, other] of [
      [socket, client],
      [client, socket],
    ] as const)
      one
        .on('error', () => other.destroy())
        .on('close', () => other.destroy())
        .pipe(other);
  }

  const server = createServer((incoming, answer) => {
    pass(incoming, answer).catch(() => answer.destroy());
  });
  server.on('upgrade', (incoming, client, head) => {
    passSocket(incoming, client, head).catch(() => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    base: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    async [Symbol.asyncDispose]() {
      clearInterval(asking);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
