// Uploads in binary pieces, four at a time: ours by tus and in parts, @tus/server with its file store, and a bare node:http
// server that writes each piece to its place and syncs it. Rounds are interleaved; each server is a process of its own.
//   node bench/upload.ts [--size 256] [--piece 5] [--parallel 4] [--rounds 3] [--only ours-tus,tus-server]
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { crc32c } from '@node-rs/crc32';
import { call, join as signUp } from '../test/support/classic-client.ts';
import { spawnServer } from '../test/support/servers.ts';
import { cpuSeconds, memoryMiB, print, row } from './processes.ts';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '256' },
    piece: { type: 'string', default: '5' },
    parallel: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
  },
});
const MIB = 2 ** 20;
const parallel = Number(values.parallel);
const pieceBytes = Number(values.piece) * MIB;
const piecesEach = Math.ceil((Number(values.size) * MIB) / pieceBytes / parallel);
const rounds = Number(values.rounds);
const mibEach = (parallel * piecesEach * pieceBytes) / MIB;

const piece = randomBytes(pieceBytes);
const sum = Buffer.alloc(4);
sum.writeUInt32BE(crc32c(piece));
const checksum = { 'Upload-Checksum': `crc32c ${sum.toString('base64')}` };
const agent = new Agent({ keepAlive: true, maxSockets: parallel });

interface Contender {
  name: string;
  pid: number;
  /** Sends `pieces` pieces of one file. */
  upload(pieces: number): Promise<void>;
}

interface Sent {
  method: string;
  url: string;
  headers: Record<string, string>;
  body?: Buffer;
}

async function send({ method, url, headers, body }: Sent): Promise<IncomingMessage> {
  const length = { 'content-length': String(body?.length ?? 0) };
  const sent = request(url, { agent, method, headers: { ...length, ...headers } });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  await answer.resume().toArray();
  if ((answer.statusCode ?? 500) >= 300)
    throw new Error(`${method} ${url} was answered ${answer.statusCode}`);
  return answer;
}

/** One file by tus, its pieces one after the other. */
async function byTus(
  url: string,
  options: { pieces: number; headers: Record<string, string>; extra: object },
) {
  const tus = { 'Tus-Resumable': '1.0.0', ...options.headers };
  const length = String(options.pieces * pieceBytes);
  const begun = await send({ method: 'POST', url, headers: { ...tus, 'Upload-Length': length } });
  const place = new URL(begun.headers.location ?? '', url).href;
  for (let index = 0; index < options.pieces; index += 1) {
    const offset = { 'Upload-Offset': String(index * pieceBytes) };
    const type = { 'content-type': 'application/offset+octet-stream' };
    await send({
      ...{ method: 'PATCH', url: place, body: piece },
      headers: { ...tus, ...type, ...offset, ...options.extra },
    });
  }
}

await using server = await spawnServer({
  RATE_LIMIT_FACTOR: '1000000',
  MAX_UPLOAD_PER_DAY: '100000GiB',
  MAX_STORAGE_PER_PERSON: '100000GiB',
});
const { access } = await signUp(server.base);
const authorization = { authorization: `Bearer ${access}` };
const folder = await mkdtemp(join(tmpdir(), 'veranda-bench-upload-'));
const peers: ChildProcess[] = [];

async function startPeer(kind: 'tus-server' | 'bare'): Promise<{ url: string; pid: number }> {
  const child = fork(fileURLToPath(new URL('upload-peers.ts', import.meta.url)), [kind, join(folder, kind)]);
  peers.push(child);
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://localhost:${port}/files`, pid: child.pid ?? 0 };
}

/**
 * Removes what was uploaded, and waits until it is gone: the next one finds the disk with nothing to write, and memory
 * for as many files as the one before. Not measured.
 */
async function tidy(): Promise<void> {
  for (const url of made.splice(0)) await send({ method: 'DELETE', url, headers: authorization });
  const drafts = join(server.dataDir, 'uploads');
  while ((await readdir(drafts).catch(() => [])).length > 0) await delay(20);
  for (const name of await readdir(folder, { recursive: true }))
    await rm(join(folder, name)).catch(() => undefined);
  execFileSync('sync');
}
const made: string[] = [];

async function ours(): Promise<string> {
  const length = piecesEach * pieceBytes;
  const { json } = await call(server.base, '/api/uploads', { token: access, body: { length } });
  const url = `${server.base}/api/uploads/${json.id}`;
  made.push(url);
  return url;
}

const own = { pid: server.process.pid ?? 0 };
const [tusServer, bare] = [await startPeer('tus-server'), await startPeer('bare')];
const contenders: Contender[] = [
  {
    ...{ name: 'bare node:http, synced', pid: bare.pid },
    async upload(pieces: number) {
      const url = `${bare.url}/${randomBytes(8).toString('hex')}`;
      for (let index = 0; index < pieces; index += 1)
        await send({ method: 'PUT', url: `${url}?${index * pieceBytes}`, headers: {}, body: piece });
    },
  },
  {
    ...{ name: '@tus/server', pid: tusServer.pid },
    upload: (pieces: number) => byTus(tusServer.url, { pieces, headers: {}, extra: {} }),
  },
  ...[
    { name: 'ours, tus', extra: {} },
    { name: 'ours, tus with CRC32C', extra: checksum },
  ].map(({ name, extra }) => ({
    ...{ name, ...own },
    async upload(pieces: number) {
      const url = await ours();
      const headers = { 'Tus-Resumable': '1.0.0', ...authorization };
      for (let index = 0; index < pieces; index += 1)
        await send({
          ...{ method: 'PATCH', url, body: piece },
          headers: {
            ...headers,
            'content-type': 'application/offset+octet-stream',
            'Upload-Offset': String(index * pieceBytes),
            ...extra,
          },
        });
    },
  })),
  {
    ...{ name: 'ours, parts with CRC32C', ...own },
    async upload(pieces: number) {
      const url = await ours();
      const type = { 'content-type': 'application/octet-stream' };
      for (let index = pieces - 1; index >= 0; index -= 1)
        await send({
          ...{ method: 'PUT', url: `${url}/parts?offset=${index * pieceBytes}`, body: piece },
          headers: { ...authorization, ...type, ...checksum },
        });
    },
  },
].filter(({ name }) => values.only === '' || name.includes(values.only));

interface Round {
  seconds: number;
  cpu: number;
}
const measured = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
const before = new Map(contenders.map(({ name, pid }) => [name, memoryMiB(pid, 'VmRSS')]));
for (let count = 0; count <= rounds; count += 1) {
  for (const { name, pid, upload } of contenders) {
    const [cpu, begun] = [cpuSeconds(pid), performance.now()];
    await Promise.all(Array.from({ length: parallel }, () => upload(piecesEach)));
    const round = { seconds: (performance.now() - begun) / 1_000, cpu: cpuSeconds(pid) - cpu };
    // The first one warms up.
    if (count > 0) measured.get(name)?.push(round);
    await tidy();
  }
}

print(
  `${rounds} rounds of ${Math.round(mibEach)} MiB in pieces of ${values.piece} MiB, ${parallel} at a time`,
);
print('');
print(row(['server', 'MB/s', 'slowest - fastest', 'CPU s/GiB', 'RSS before MiB', 'at its peak']));
print(row(['---', '---:', '---:', '---:', '---:', '---:']));
for (const { name, pid } of contenders) {
  const all = measured.get(name) ?? [];
  const speeds = all.map(({ seconds }) => (mibEach * 1.048576) / seconds).toSorted((a, b) => a - b);
  const cpu = all.reduce((total, round) => total + round.cpu, 0) / ((all.length * mibEach) / 1_024);
  print(
    row([
      name,
      Math.round(speeds[Math.floor(speeds.length / 2)] ?? 0),
      `${Math.round(speeds[0] ?? 0)} - ${Math.round(speeds.at(-1) ?? 0)}`,
      cpu.toFixed(2),
      Math.round(before.get(name) ?? 0),
      Math.round(memoryMiB(pid, 'VmHWM')),
    ]),
  );
}
agent.destroy();
for (const peer of peers) peer.kill();
await rm(folder, { recursive: true, force: true });
