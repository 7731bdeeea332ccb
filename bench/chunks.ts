// The classic upload: chunks as base64 text in multipart, of 1 MiB as the classic page sends them, from several clients at once.
//   node bench/chunks.ts [--chunks 400] [--clients 8] [--size 1]
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { parseArgs } from 'node:util';
import { asDataUrl, call } from '../test/support/classic-client.ts';
import { spawnServer } from '../test/support/servers.ts';
import { cpuSeconds, memoryMiB, print, row } from './processes.ts';
import { fillSite, LOGIN } from './sites.ts';

const { values } = parseArgs({
  options: {
    chunks: { type: 'string', default: '400' },
    clients: { type: 'string', default: '8' },
    size: { type: 'string', default: '1' },
  },
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
await using server = await spawnServer({
  ...{ DATA_DIR: site.dataDir, RATE_LIMIT_FACTOR: '1000000' },
  ...{ MAX_UPLOAD_PER_DAY: '1000GiB', MAX_STORAGE_PER_PERSON: '1000GiB' },
});
const pid = server.process.pid ?? 0;
const token: string = (await call(server.base, '/api/users/user/token/', { body: LOGIN })).json.access;

/** Whole bodies, prepared before: what is measured is the server, not its client. */
const BOUNDARY = 'chunk-boundary';
const chunks = Array.from({ length: 2 }, () => asDataUrl(randomBytes(Number(values.size) * 2 ** 20)));
const bodyOf = (client: number, chunk: string): Buffer =>
  Buffer.from(
    [...field('filename', `clip-${client}.mp4`), ...field('chunk', chunk), `--${BOUNDARY}--`, ''].join(
      '\r\n',
    ),
  );
const field = (name: string, value: string): string[] => [
  `--${BOUNDARY}`,
  `Content-Disposition: form-data; name="${name}"`,
  '',
  value,
];
const agent = new Agent({ keepAlive: true, maxSockets: clients });

async function upload(bodies: readonly Buffer[]): Promise<void> {
  for (let count = 0; count < chunksEach; count += 1) {
    const sent = request(`${server.base}/api/posts/post/add/media/video/`, {
      agent,
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      },
    });
    sent.end(bodies[count % bodies.length]);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    await answer.resume().toArray();
    if (answer.statusCode !== 200) throw new Error(`a chunk was answered ${answer.statusCode}`);
  }
}

const bodies = Array.from({ length: clients }, (_, client) => chunks.map((chunk) => bodyOf(client, chunk)));
const memoryBefore = memoryMiB(pid, 'VmRSS');
const cpuBefore = cpuSeconds(pid);
const begun = performance.now();
await Promise.all(bodies.map((each) => upload(each)));
const seconds = (performance.now() - begun) / 1_000;
const total = clients * chunksEach;
print(row(['clients', 'MiB each', 'chunks', 'chunks/s', 'CPU ms/chunk', 'memory before MiB', 'at its peak']));
print(row(['---:', '---:', '---:', '---:', '---:', '---:', '---:']));
print(
  row([
    clients,
    values.size,
    total,
    Math.round(total / seconds),
    (((cpuSeconds(pid) - cpuBefore) * 1_000) / total).toFixed(1),
    Math.round(memoryBefore),
    Math.round(memoryMiB(pid, 'VmHWM')),
  ]),
);
