// Uploads on bad connections: bodies that break off or stand still, clients that come back on another connection or to
// another node.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { join, type Person, say } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { databaseSettings } from '../support/engines.ts';
import { ask } from '../support/site-data.ts';
import { countUploads, publish, tusOf } from '../support/tus.ts';

const SIZE = 3_000_000;
/** What is sent before the trouble: not a multiple of anything. */
const HALF = 1_234_567;

let server: TestServer;
let node: TestServer;
let ann: Person;
let tus: ReturnType<typeof tusOf>;
beforeAll(async () => {
  server = await startServer();
  // Another node of the same site.
  node = await startServer({ DATA_DIR: server.dataDir, ...(await databaseOf(server)) });
  ann = await join(server.base);
  tus = tusOf(server.base, ann);
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

const databaseOf = async ({ dataDir }: TestServer): Promise<Record<string, string>> => {
  const { DATABASE_URL } = await databaseSettings(dataDir);
  return DATABASE_URL === undefined ? {} : { DATABASE_URL };
};

interface Sent {
  base?: string;
  path: string;
  offset?: number;
  headers?: string[];
}

/** Sends the head of a PATCH with all of the file to come, and bytes up to `end`. */
function begin(
  file: Buffer,
  end: number,
  { base = server.base, path, offset = 0, headers = [] }: Sent,
): Socket {
  const socket = connect({ host: 'localhost', port: Number(new URL(base).port) });
  socket.on('error', () => undefined);
  socket.write(
    [
      `PATCH ${path} HTTP/1.1`,
      ...['Host: localhost', 'Tus-Resumable: 1.0.0', `Authorization: Bearer ${ann.access}`, ...headers],
      ...['Content-Type: application/offset+octet-stream', `Upload-Offset: ${offset}`],
      ...[`Content-Length: ${file.length - offset}`, '', ''],
    ].join('\r\n'),
  );
  socket.write(file.subarray(offset, end));
  return socket;
}

/** Resolves when a writer has the upload. */
async function isWritten(path: string): Promise<void> {
  const id = path.split('/').at(-1);
  await expect
    .poll(async () => {
      const [row] = await ask<{ holder: string | null }>(
        server.dataDir,
        'select lease_holder as holder from uploads where draft_key = ?',
        id,
      );
      return row?.holder;
    })
    .toEqual(expect.any(String));
}

async function expectWhole(path: string, file: Buffer): Promise<void> {
  const postID = await say(server.base, ann, 'a video');
  const stored = await publish(server.base, { person: ann, path, postID });
  expect(sha(stored)).toBe(sha(file));
}

const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('a body that breaks off', () => {
  test('leaves what had arrived, and the client goes on from there', async () => {
    const file = makeFile(SIZE);
    const path = await tus.begin(SIZE);
    const socket = begin(file, HALF, { path });
    await isWritten(path);
    socket.resume().end();
    await once(socket, 'close');
    expect(await tus.offset(path)).toBe(HALF);
    expect((await tus.patch(path, HALF, { bytes: file.subarray(HALF) })).status).toBe(204);
    await expectWhole(path, file);
  });

  test('and came with the beginning of the upload leaves nothing, as nobody knows where it is', async () => {
    const before = await countUploads(server.dataDir);
    const socket = connect({ host: 'localhost', port: Number(new URL(server.base).port) });
    const lines = [
      'POST /api/uploads HTTP/1.1',
      ...['Host: localhost', 'Tus-Resumable: 1.0.0', `Authorization: Bearer ${ann.access}`],
      ...['Content-Type: application/offset+octet-stream', `Upload-Length: ${SIZE}`],
      ...[`Content-Length: ${SIZE}`, '', ''],
    ];
    socket.write(lines.join('\r\n'));
    socket.write(makeFile(HALF));
    await expect.poll(() => countUploads(server.dataDir)).toBe(before + 1);
    socket.resume().end();
    await expect.poll(() => countUploads(server.dataDir)).toBe(before);
  });

  test('and has a checksum leaves nothing', async () => {
    const file = makeFile(SIZE);
    const path = await tus.begin(SIZE);
    const headers = [`Upload-Checksum: sha256 ${createHash('sha256').update(file).digest('base64')}`];
    const socket = begin(file, HALF, { path, headers });
    await isWritten(path);
    socket.resume().end();
    await once(socket, 'close');
    expect(await tus.offset(path)).toBe(0);
    await tus.patch(path, 0, { bytes: file });
    await expectWhole(path, file);
  });
});

describe.each(['the same node', 'another node'])(
  'a body that stands still, while its client comes back to %s',
  (where) => {
    const back = () => tusOf(where === 'the same node' ? server.base : node.base, ann);

    test('gives way within 3 s, with all that had arrived', async () => {
      const file = makeFile(SIZE);
      const path = await tus.begin(SIZE);
      const stalled = begin(file, HALF, { path });
      const told = once(stalled, 'data');
      await isWritten(path);
      const began = performance.now();
      const offset = await back().offset(path);
      expect(performance.now() - began).toBeLessThan(3_000);
      // What was still on its way when the writer stopped counts or not; what counts is there.
      expect(offset).toBeLessThanOrEqual(HALF);
      const [answer] = (await told) as [Buffer];
      expect(answer.toString()).toMatch(/^HTTP\/1\.1 423 /);
      // The old connection wakes up: nothing of it is heard any more.
      stalled.write(Buffer.alloc(file.length - HALF, 'x'));
      expect((await back().patch(path, offset, { bytes: file.subarray(offset) })).status).toBe(204);
      await expectWhole(path, file);
      stalled.destroy();
    });

    test('gives way to new bytes too', async () => {
      const file = makeFile(SIZE);
      const path = await tus.begin(SIZE);
      const stalled = begin(file, HALF, { path });
      await isWritten(path);
      // Without asking first where the upload stands, the client is told.
      const guess = await back().patch(path, 0, { bytes: file });
      const offset = guess.status === 409 ? Number(guess.headers.get('upload-offset')) : SIZE;
      if (offset < SIZE) await back().patch(path, offset, { bytes: file.subarray(offset) });
      stalled.destroy();
      await expectWhole(path, file);
    });

    test('gives way to the end of it all', async () => {
      const path = await tus.begin(SIZE);
      const stalled = begin(makeFile(SIZE), HALF, { path });
      await isWritten(path);
      expect((await back().remove(path)).status).toBe(204);
      expect((await tus.head(path)).status).toBe(404);
      stalled.destroy();
    });
  },
);

test('bytes for one place on two nodes at once are those of one of them', async () => {
  const file = makeFile(SIZE);
  const path = await tus.begin(SIZE);
  const answers = await Promise.all(
    [server, node, server, node].map(({ base }) => tusOf(base, ann).patch(path, 0, { bytes: file })),
  );
  expect(answers.some(({ status }) => status === 204 || status === 423)).toBe(true);
  for (const { status } of answers) expect([204, 409, 423]).toContain(status);
  const offset = await tus.offset(path);
  if (offset < SIZE) await tus.patch(path, offset, { bytes: file.subarray(offset) });
  await expectWhole(path, file);
});
