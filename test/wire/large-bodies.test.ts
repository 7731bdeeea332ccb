// Bodies far beyond any limit, really sent, and what they cost the server in memory.
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, join, type Person, say } from '../support/classic-client.ts';
import { MIB } from '../support/classic-uploads.ts';
import { type ServerProcess, spawnServer } from '../support/servers.ts';

let server: ServerProcess;
let ann: Person;
let postId: number;
beforeAll(async () => {
  server = await spawnServer();
  ann = await join(server.base);
  postId = await say(server.base, ann, 'quiet');
});
afterAll(() => server[Symbol.asyncDispose]());

/** MiB that the server had at most during `work`, beyond what it had before (proc(5)). */
async function measureGrowth(work: () => Promise<void>): Promise<number> {
  const proc = `/proc/${server.process.pid}`;
  const read = async (name: string): Promise<number> =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(await readFile(`${proc}/status`, 'utf8'))?.[1]) / 1_024;
  await writeFile(`${proc}/clear_refs`, '5');
  const before = await read('VmRSS');
  await work();
  return (await read('VmHWM')) - before;
}

interface Sent {
  path: string;
  headers: string[];
  pieces: Buffer[];
  /** Reads no answer before everything is sent, as browsers do. */
  insists?: boolean;
}

/** Answers the status, once the server has taken or refused all of it. */
async function send({ path, headers, pieces, insists = false }: Sent): Promise<number> {
  const { hostname, port } = new URL(server.base);
  const socket = connect({ host: hostname, port: Number(port) });
  const closed = once(socket, 'close');
  socket.on('error', () => undefined);
  const answers: Buffer[] = [];
  socket.on('data', (answer: Buffer) => answers.push(answer));
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `Authorization: Bearer ${ann.access}`,
    ...headers,
  ];
  socket.write([...head, '', ''].join('\r\n'));
  for (const piece of pieces) {
    if (socket.destroyed || (answers.length > 0 && !insists)) break;
    if (!socket.write(piece)) await Promise.race([once(socket, 'drain'), closed]).catch(() => undefined);
  }
  const done = insists ? !socket.destroyed : true;
  while (answers.length === 0 && !socket.destroyed)
    await Promise.race([once(socket, 'data'), closed]).catch(() => undefined);
  socket.destroy();
  await closed;
  expect(done, 'everything could be sent').toBe(true);
  return Number(/^HTTP\/1\.1 (\d+)/.exec(Buffer.concat(answers).toString())?.[1]);
}

const comment = (headers: string[], pieces: Buffer[]): Sent => ({
  ...{ path: '/api/posts/post/add/comment/', pieces },
  headers: ['Content-Type: application/json', ...headers],
});
const signUp = (headers: string[], pieces: Buffer[]): Sent => ({
  ...{ path: '/api/users/user/register/', pieces, insists: true },
  headers: ['Content-Type: multipart/form-data; boundary=xx', ...headers],
});
const lengthOf = (pieces: Buffer[]): string =>
  `Content-Length: ${pieces.reduce((sum, { length }) => sum + length, 0)}`;
const CHUNKED = 'Transfer-Encoding: chunked';
const asChunk = (piece: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]);

const filler = Buffer.alloc(MIB, 'x');
const json = [Buffer.from('{"postID":1,"commentContent":"'), ...Array<Buffer>(96).fill(filler)];
const partOf = (size: number, index: number): Buffer =>
  Buffer.concat([
    Buffer.from(`--xx\r\nContent-Disposition: form-data; name="f${index}"\r\n\r\n`),
    Buffer.alloc(size, 'x'),
    Buffer.from('\r\n'),
  ]);
/** Fewer parts than forms may have, each smaller than fields may be. */
const fields = Array.from({ length: 20 }, (_, index) => partOf(5 * MIB, index));

test.each<[what: string, sent: Sent]>([
  ['JSON of 96 MiB', comment([lengthOf(json)], json)],
  ['JSON that promises 10 GiB', comment(['Content-Length: 10737418240'], json)],
  ['JSON in chunks without an end', comment([CHUNKED], json.map(asChunk))],
])('%s is 413 and takes less than 50 MiB', async (_, sent) => {
  const growth = await measureGrowth(async () => {
    expect(await send(sent)).toBe(413);
  });
  expect(growth).toBeLessThan(50);
  const read = await call(server.base, `/api/posts/post/${postId}`);
  expect([read.status, read.json.comments]).toEqual([200, []]);
});

test.each<[what: string, sent: Sent]>([
  ['of 100 MiB', signUp([lengthOf(fields)], fields)],
  ['of 100 MiB in chunks', signUp([CHUNKED], fields.map(asChunk))],
])('a form %s is 413, heard to its end, and takes no more than its largest may', async (_, sent) => {
  const growth = await measureGrowth(async () => {
    expect(await send(sent)).toBe(413);
  });
  expect(growth).toBeLessThan(80);
});
