// The classic upload: 1 MiB chunks as base64 text in multipart, from several clients at once.
//   node bench/chunks.ts [--chunks 400] [--clients 8]
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { call, form, asDataUrl } from '../test/support/classic-client.ts';
import { spawnServer } from '../test/support/servers.ts';
import { cpuSeconds, memoryMiB, print, row } from './processes.ts';
import { fillSite, LOGIN } from './sites.ts';

const { values } = parseArgs({
  options: { chunks: { type: 'string', default: '400' }, clients: { type: 'string', default: '8' } },
});
const clients = Number(values.clients);
const chunksEach = Math.ceil(Number(values.chunks) / clients);

await using site = await fillSite({
  people: 10,
  posts: 10,
  likesPerPost: 1,
  commentsPerPost: 1,
  picturesPerPost: 0,
});
await using server = await spawnServer({ DATA_DIR: site.dataDir, RATE_LIMIT_FACTOR: '1000000' });
const pid = server.process.pid ?? 0;
const token: string = (await call(server.base, '/api/users/user/token/', { body: LOGIN })).json.access;

/** Prepared before, so that the client's own work is small. */
const chunks = Array.from({ length: 8 }, () => asDataUrl(randomBytes(2 ** 20)));

async function upload(client: number): Promise<void> {
  for (let count = 0; count < chunksEach; count += 1) {
    const body = form({
      filename: `clip-${client}.mp4`,
      chunk: chunks[(client + count) % chunks.length] ?? '',
    });
    const answer = await call(server.base, '/api/posts/post/add/media/video/', { token, body });
    if (answer.status !== 200) throw new Error(`a chunk was answered ${answer.status}: ${answer.text}`);
  }
}

const cpuBefore = cpuSeconds(pid);
const begun = performance.now();
await Promise.all(Array.from({ length: clients }, (_, client) => upload(client)));
const seconds = (performance.now() - begun) / 1_000;
const total = clients * chunksEach;
print(row(['clients', 'chunks', 'chunks/s', 'CPU ms/chunk', 'peak memory MiB']));
print(row(['---:', '---:', '---:', '---:', '---:']));
print(
  row([
    clients,
    total,
    Math.round(total / seconds),
    (((cpuSeconds(pid) - cpuBefore) * 1_000) / total).toFixed(1),
    Math.round(memoryMiB(pid, 'VmHWM')),
  ]),
);
