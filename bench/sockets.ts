// Likes at a rate while many sockets listen: how late they hear of them, and what a delivery costs the server.
//   node bench/sockets.ts [--sockets 200] [--rate 20] [--seconds 5]
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { call } from '../test/support/classic-client.ts';
import { spawnServer } from '../test/support/servers.ts';
import { percentile } from './delays.ts';
import { cpuSeconds, memoryMiB, print, row } from './processes.ts';
import { fillSite, LOGIN } from './sites.ts';

const { values } = parseArgs({
  options: {
    sockets: { type: 'string', default: '200' },
    rate: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '5' },
  },
});
const socketCount = Number(values.sockets);
const likes = Number(values.rate) * Number(values.seconds);

await using site = await fillSite({
  people: 200,
  posts: 200,
  likesPerPost: 20,
  commentsPerPost: 5,
  picturesPerPost: 2,
});
await using server = await spawnServer({
  DATA_DIR: site.dataDir,
  RATE_LIMIT_FACTOR: '1000000',
  MAX_SOCKETS_PER_ADDRESS: '100000',
});
const pid = server.process.pid ?? 0;
const token: string = (await call(server.base, '/api/users/user/token/', { body: LOGIN })).json.access;

const idleBefore = memoryMiB(pid, 'VmRSS');
const sockets: WebSocket[] = [];
const address = `${server.base.replace('http', 'ws')}/ws/posts/likes/`;
while (sockets.length < socketCount) {
  const batch = Array.from(
    { length: Math.min(100, socketCount - sockets.length) },
    () => new WebSocket(address),
  );
  await Promise.all(batch.map((socket) => once(socket, 'open')));
  sockets.push(...batch);
}
const memoryPerSocket = ((memoryMiB(pid, 'VmRSS') - idleBefore) * 1_024) / socketCount;

/** When the like of each post was sent, in milliseconds. */
const sentAt = new Map<number, number>();
const delays: number[] = [];
const ID = /^\{"post_id":(\d+),/;
for (const socket of sockets) {
  socket.on('message', (data: Buffer) => {
    const arrived = performance.now();
    const id = Number(ID.exec(data.subarray(0, 32).toString('latin1'))?.[1]);
    const sent = sentAt.get(id);
    if (sent !== undefined) delays.push(arrived - sent);
  });
}

// The first of all meets code that was never run.
for (let count = 0; count < 5; count += 1) {
  await call(server.base, '/api/posts/post/add/like/', { token, body: { postID: site.postIds.at(-1) } });
  await Promise.all(sockets.map((socket) => once(socket, 'message')));
}

const cpuBefore = cpuSeconds(pid);
const lastDeliveries: number[] = [];
for (let count = 0; count < likes; count += 1) {
  const next = performance.now() + 1_000 / Number(values.rate);
  const id = site.postIds[count % site.postIds.length] ?? 1;
  sentAt.set(id, performance.now());
  const before = delays.length;
  await call(server.base, '/api/posts/post/add/like/', { token, body: { postID: id } });
  const wait = next - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  lastDeliveries.push(Math.max(0, ...delays.slice(before)));
}
const cpu = ((cpuSeconds(pid) - cpuBefore) * 1e6) / delays.length;
const at = (list: readonly number[], part: number): string => percentile(list, part).toFixed(1);

print(
  row([
    'sockets',
    'likes',
    'delivered',
    'p50 ms',
    'p99 ms',
    'last delivery p50 ms',
    'CPU µs/delivery',
    'KiB/idle socket',
  ]),
);
print(row(['---:', '---:', '---:', '---:', '---:', '---:', '---:', '---:']));
print(
  row([
    socketCount,
    likes,
    `${((100 * delays.length) / (likes * socketCount)).toFixed(1)} %`,
    at(delays, 0.5),
    at(delays, 0.99),
    at(lastDeliveries, 0.5),
    cpu.toFixed(1),
    memoryPerSocket.toFixed(1),
  ]),
);
for (const socket of sockets) socket.terminate();
