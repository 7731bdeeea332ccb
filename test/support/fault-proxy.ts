// A TCP proxy that is a bad network on demand. It passes everything on, until it is told to stop a connection in the
// middle of what its client says, or to lose an answer. One fault is armed at a time. It counts what all clients say from
// then on and meets the connection that says the last byte of it.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A connection in mid-sentence: the bytes so far have gone on, no more of them follow. */
export interface StoppedConnection {
  /** Resets both sides. */
  cut(): void;
  /** Resets the client's side, and leaves the server waiting for the rest: it does not hear that nobody is there any more. */
  abandon(): void;
  /** Passes on what waited, and everything after. */
  goOn(): void;
}

export interface FaultProxy extends AsyncDisposable {
  /** e.g. `http://localhost:40124`. */
  readonly base: string;
  /** Bytes that all clients have said so far. */
  readonly said: number;
  /** Stops a connection when the clients have said `bytes` more bytes, and resolves. */
  stopAfter(bytes: number): Promise<StoppedConnection>;
  /** Lets the request that says that last byte through, loses its answer, and resolves when it came and the connection was reset. */
  loseAnswerAfter(bytes: number): Promise<void>;
}

interface Link {
  client: Socket;
  upstream: Socket;
  stopped: boolean;
  abandoned: boolean;
  losesAnswer?: () => void;
}

interface Fault {
  /** Bytes until it happens. */
  left: number;
  meet(link: Link): void;
}

/** Stands before the server at `target`, an address such as `http://localhost:8000`. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const port = Number(new URL(target).port);
  const links = new Set<Link>();
  let armed: Fault | undefined;
  let said = 0;

  const arm = (fault: Fault): void => {
    if (armed) throw new Error('A fault is armed already.');
    armed = fault;
  };

  /** How many of these bytes go on before the fault, if it comes with them. */
  function count(bytes: Buffer): number {
    if (!armed) return bytes.length;
    const before = Math.min(armed.left, bytes.length);
    armed.left -= before;
    return before;
  }

  function meetFault(link: Link): void {
    if (armed?.left !== 0) return;
    const { meet } = armed;
    armed = undefined;
    meet(link);
  }

  const server = createServer((client) => {
    const upstream = connect({ host: 'localhost', port });
    const link: Link = { client, upstream, stopped: false, abandoned: false };
    links.add(link);
    client.on('data', (bytes) => {
      said += bytes.length;
      const before = count(bytes);
      if (!upstream.write(bytes.subarray(0, before))) client.pause();
      meetFault(link);
      if (before === bytes.length) return;
      if (link.stopped) client.unshift(bytes.subarray(before));
      else upstream.write(bytes.subarray(before));
    });
    upstream.on('drain', () => link.stopped || client.resume());
    upstream.on('data', (bytes) => {
      if (link.losesAnswer) {
        reset(link);
        link.losesAnswer();
      } else if (!client.write(bytes)) upstream.pause();
    });
    client.on('drain', () => upstream.resume());
    client.on('end', () => link.abandoned || upstream.end());
    upstream.on('end', () => client.end());
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => (link.abandoned ? undefined : other.destroy()));
      one.on('close', () => {
        if (link.abandoned && one === client) return;
        links.delete(link);
        other.destroy();
      });
    }
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the proxy listens nowhere');

  return {
    base: `http://localhost:${address.port}`,
    get said() {
      return said;
    },
    async stopAfter(bytes) {
      return new Promise((resolve) => arm({ left: bytes, meet: (link) => resolve(stop(link)) }));
    },
    async loseAnswerAfter(bytes) {
      return new Promise((resolve) => {
        arm({
          left: bytes,
          meet(link) {
            link.losesAnswer = resolve;
          },
        });
      });
    },
    async [Symbol.asyncDispose]() {
      for (const link of links) reset(link);
      server.close();
      await once(server, 'close');
    },
  };
}

function stop(link: Link): StoppedConnection {
  link.stopped = true;
  link.client.pause();
  return {
    cut: () => reset(link),
    abandon() {
      link.abandoned = true;
      link.client.resetAndDestroy();
    },
    goOn() {
      link.stopped = false;
      link.client.resume();
    },
  };
}

/** What a client sees when the network goes: no end of the stream, but its loss. */
function reset({ client, upstream }: Link): void {
  client.resetAndDestroy();
  upstream.resetAndDestroy();
}
