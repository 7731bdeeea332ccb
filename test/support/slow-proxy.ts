// A TCP proxy that passes on what either side says a while later, in order.
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface SlowProxy extends AsyncDisposable {
  readonly port: number;
  /** Milliseconds in each direction, of what comes from now on. */
  delayMs: number;
}

/** Stands before a port of the loopback. */
export async function startSlowProxy(target: number): Promise<SlowProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    join(client, upstream);
    join(upstream, client);
  });

  function join(from: Socket, to: Socket): void {
    sockets.add(from.setNoDelay());
    // What comes later does not overtake.
    let dueAt = 0;
    const later = (work: () => void): void => {
      dueAt = Math.max(dueAt, performance.now() + proxy.delayMs);
      if (dueAt <= performance.now()) work();
      else setTimeout(work, dueAt - performance.now());
    };
    from
      .on('data', (bytes) => later(() => void (to.destroyed || to.write(bytes))))
      .on('error', () => to.destroy())
      .on('close', () => {
        sockets.delete(from);
        later(() => to.destroy());
      });
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const proxy: SlowProxy = {
    port: typeof address === 'object' && address ? address.port : 0,
    delayMs: 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}
