// Where the server listens. `localhost` may be an address of either kind: connections to the second one are handed to the
// one server as well, so that whatever is set for its connections holds for all of them.
import { once } from 'node:events';
import { lookup } from 'node:dns/promises';
import { createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';

export interface Place {
  host: string;
  port: number;
}

export async function listen(app: FastifyInstance, { host, port }: Place): Promise<void> {
  const addresses =
    host === 'localhost' ? (await lookup(host, { all: true })).map(({ address }) => address) : [host];
  await listenOn(app, { addresses, port });
}

/** Throws if it cannot be had at the first address; one beyond it that is taken, or that this machine lacks, is done without. */
export async function listenOn(
  app: FastifyInstance,
  { addresses: [first = 'localhost', ...others], port }: { addresses: readonly string[]; port: number },
): Promise<void> {
  // As Node's own server of HTTP has it.
  const options = { allowHalfOpen: true, noDelay: true };
  const doors = [...new Set(others)]
    .filter((address) => address !== first)
    .map((address) => ({
      address,
      door: createServer(options, (socket) => app.server.emit('connection', socket)),
    }));
  const closed: Promise<unknown>[] = [];
  app.addHook('preClose', async () => {
    for (const { door } of doors) closed.push(new Promise((resolve) => door.close(resolve)));
  });
  app.addHook('onClose', async () => {
    await Promise.all(closed);
  });
  await app.listen({ host: first, port });
  const bound = app.server.address();
  if (typeof bound !== 'object' || !bound) return;
  for (const { address, door } of doors) {
    door.listen({ host: address, port: bound.port });
    await once(door, 'listening').catch(() => undefined);
  }
}
