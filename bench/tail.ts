// How far the slowest answers are from the middle, on connections that have been open for a second: Node accepts one
// connection per turn of its loop, so that a flood of new ones waits long, and load generators count that wait in.
//   node bench/tail.ts [--connections 128] [--seconds 5]
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { parseArgs } from 'node:util';
import { call } from '../test/support/classic-client.ts';
import { spawnServer } from '../test/support/servers.ts';
import { percentile } from './delays.ts';
import { print, row } from './processes.ts';
import { fillSite, LOGIN } from './sites.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '128' },
    seconds: { type: 'string', default: '5' },
  },
});

await using site = await fillSite({
  people: 200,
  posts: 1_000,
  likesPerPost: 20,
  commentsPerPost: 5,
  picturesPerPost: 2,
});
await using server = await spawnServer({
  DATA_DIR: site.dataDir,
  RATE_LIMIT_FACTOR: '1000000',
  LOG_LEVEL: 'warn',
});
const token: string = (await call(server.base, '/api/users/user/token/', { body: LOGIN })).json.access;
const request = [
  'GET /api/posts/?page=1 HTTP/1.1',
  `Host: ${new URL(server.base).host}`,
  `Authorization: Bearer ${token}`,
  '\r\n',
].join('\r\n');

const warmAt = performance.now() + 1_000;
const endAt = warmAt + Number(values.seconds) * 1_000;
const delays: number[] = [];

await Promise.all(Array.from({ length: Number(values.connections) }, () => ask()));
const at = (part: number): number => percentile(delays, part);
print(row(['connections', 'requests/s', 'p50 ms', 'p99 ms', 'p99 / p50']));
print(row(['---:', '---:', '---:', '---:', '---:']));
print(
  row([
    values.connections,
    Math.round(delays.length / Number(values.seconds)),
    at(0.5).toFixed(1),
    at(0.99).toFixed(1),
    (at(0.99) / at(0.5)).toFixed(1),
  ]),
);

/** One request after the other on one connection. */
async function ask(): Promise<void> {
  const { hostname, port } = new URL(server.base);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  while (performance.now() < endAt) {
    const begun = performance.now();
    socket.write(request);
    await readAnswer(socket);
    if (begun > warmAt) delays.push(performance.now() - begun);
  }
  socket.destroy();
}

async function readAnswer(socket: Socket): Promise<void> {
  let missing: number | undefined;
  do {
    const [piece] = (await once(socket, 'data')) as [Buffer];
    if (missing === undefined) {
      const head = piece.indexOf('\r\n\r\n') + 4;
      const length = /^content-length: (\d+)/im.exec(piece.toString('latin1', 0, head))?.[1];
      missing = head + Number(length);
    }
    missing -= piece.length;
  } while (missing > 0);
}
