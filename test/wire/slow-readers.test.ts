// Hundreds who ask for a large video and read none of it: they cost the server little, and not for long.
import { once } from 'node:events';
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { call } from '../support/classic-client.ts';
import { spawnServer } from '../support/servers.ts';

const READERS = 500;
const VIDEO = 'videos/large.mp4';
const MIB = 2 ** 20;

test(
  'five hundred readers of a gigabyte who stand still cost little memory and are cut, while others are answered',
  { timeout: 90_000 },
  async () => {
    await using server = await spawnServer({ IDLE_TIMEOUT: '6s' });
    const { pid = 0 } = server.process;
    const memory = async (): Promise<number> =>
      Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1_024;
    const countDescriptors = async (): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length;
    await mkdir(join(server.dataDir, 'media/videos'), { recursive: true });
    {
      await using file = await open(join(server.dataDir, 'media', VIDEO), 'w');
      await file.truncate(1_024 * MIB);
    }
    const { status } = await call(server.base, '/media/default_profile_picture.png');
    expect(status).toBe(200);
    const before = { memory: await memory(), descriptors: await countDescriptors() };

    const readers = await Promise.all(Array.from({ length: READERS }, () => ask(server.base)));
    expect(await countDescriptors()).toBeGreaterThan(before.descriptors + READERS);
    // They are cut only after standing still for a while; until then they hold what they hold.
    let peak = 0;
    while ((await countDescriptors()) > before.descriptors + 10) {
      peak = Math.max(peak, await memory());
      expect((await call(server.base, '/api/posts/post/search?q=x')).status).toBe(200);
    }
    // Two pieces of 64 KiB read ahead for each, and what a server under load takes anyway.
    expect((peak - before.memory) / MIB).toBeLessThan(300);
    for (const reader of readers) reader.destroy();
  },
);

/** Asks for the video; resolves with the first bytes of the answer there, and none of them read. */
async function ask(base: string): Promise<Socket> {
  const { hostname, port } = new URL(base);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  socket.write(`GET /media/${VIDEO} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(socket, 'readable');
  return socket;
}
