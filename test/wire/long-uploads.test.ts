// Long uploads to a server of its own: one that is killed meanwhile, and one whose memory is looked at.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type Answer, join, sendChunk } from '../support/classic-client.ts';
import { cutChunks, hash, hashFinal, makeFile, MIB } from '../support/classic-uploads.ts';
import { spawnServer } from '../support/servers.ts';

test(
  'a server that is killed between and during chunks keeps every acknowledged byte and goes on',
  { timeout: 60_000 },
  async () => {
    await using server = await spawnServer();
    const ann = await join(server.base, { username: 'killed' });
    const file = makeFile(6 * MIB + 77);
    let id = 0;
    for (const [index, bytes] of cutChunks(file).entries()) {
      const fields = { offset: String(index * MIB) };
      const send = (): Promise<Answer> =>
        sendChunk(server.base, ann, { filename: 'a/b, c.mp4', bytes, fields });
      if (index % 2 === 1) {
        // Between two chunks, or while one is on its way: then it is not known whether it came, and is sent again.
        const pending = index === 3 ? send().catch(() => undefined) : undefined;
        await server.end('SIGKILL');
        await pending;
        await server.restart();
      }
      const { status, json } = await send();
      expect(status).toBe(200);
      if (index > 0) expect(json.id).toBe(id);
      id = json.id;
    }
    expect(await hashFinal(server.base, ann, id)).toBe(hash(file));
  },
);

test('a server takes two hundred chunks in memory that stays flat', { timeout: 120_000 }, async () => {
  await using server = await spawnServer();
  const ann = await join(server.base, { username: 'flat' });
  const sum = createHash('sha256');
  let id = 0;
  for (let count = 0; count < 200; count += 1) {
    const bytes = makeFile(MIB);
    sum.update(bytes);
    const { status, json } = await sendChunk(server.base, ann, { filename: 'long.mp4', bytes });
    expect(status).toBe(200);
    id = json.id;
  }
  expect(await hashFinal(server.base, ann, id)).toBe(sum.digest('hex'));
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8');
  expect(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1_024).toBeLessThan(400);
});
