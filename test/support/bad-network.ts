// A network in front of an S3 store that fails on demand, a request at a time.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';

/** What becomes of a request; `lose` carries it out and loses the answer, `cut` breaks the answer off in the middle. */
export type Fate = 'pass' | 'refuse' | 'lose' | 'cut' | 'hang' | Refusal;

export interface Refusal {
  status: number;
  code: string;
  headers?: Record<string, string>;
}

export interface Asked {
  method: string;
  /** e.g. `/veranda/media/a?uploadId=1`. */
  path: string;
  /** By performance.now(). */
  at: number;
}

export interface BadNetwork extends AsyncDisposable {
  readonly endpoint: string;
  /** Every request so far. */
  readonly asked: Asked[];
  /** Bytes of bodies that it sent to clients. */
  readonly sent: number;
  /** Requests that are neither answered nor given up. */
  readonly open: number;
  /** Decides of each request that comes from now on; it waits for what is decided later. */
  decide(fate: (asked: Asked) => Fate | Promise<Fate>): void;
}

/** Stands before the store at `endpoint`. */
export async function startBadNetwork(endpoint: string): Promise<BadNetwork> {
  const asked: Asked[] = [];
  let decide: (asked: Asked) => Fate | Promise<Fate> = () => 'pass';
  let sent = 0;
  let open = 0;

  function carry(incoming: IncomingMessage, answer: ServerResponse, fate: Fate): void {
    const { method, headers } = incoming;
    const outgoing = request(`${endpoint}${incoming.url}`, { method, headers }, (response) => {
      if (fate === 'lose') {
        response.resume().once('end', () => incoming.socket.resetAndDestroy());
        return;
      }
      answer.writeHead(response.statusCode ?? 500, response.headers);
      if (fate === 'cut') {
        response.once('data', (bytes: Buffer) => {
          answer.write(bytes.subarray(0, bytes.length / 2), () => incoming.socket.resetAndDestroy());
          response.destroy();
        });
      } else response.on('data', (bytes: Buffer) => (sent += bytes.length)).pipe(answer);
      answer.once('close', () => response.destroy());
    });
    outgoing.on('error', () => incoming.socket.destroy());
    incoming.pipe(outgoing);
  }

  async function meet(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const one = { method: incoming.method ?? '', path: incoming.url ?? '', at: performance.now() };
    asked.push(one);
    open += 1;
    answer.once('close', () => (open -= 1));
    const fate = await decide(one);
    if (fate === 'hang') return;
    if (fate === 'refuse') incoming.socket.resetAndDestroy();
    else if (typeof fate === 'string') carry(incoming, answer, fate);
    else {
      incoming.resume();
      answer.writeHead(fate.status, { 'content-type': 'application/xml', ...fate.headers });
      answer.end(`<?xml version="1.0"?><Error><Code>${fate.code}</Code><Message>No.</Message></Error>`);
    }
  }

  const server = createServer((incoming, answer) => void meet(incoming, answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the network listens nowhere');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    asked,
    get sent() {
      return sent;
    },
    get open() {
      return open;
    },
    decide(fate) {
      decide = fate;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
