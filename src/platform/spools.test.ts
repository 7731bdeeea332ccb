import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSpools, type Spool } from './spools.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-spools-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function contentOf(spool: Spool): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of spool) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

const MIB = 2 ** 20;

test.each([0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB + 7])(
  '%d bytes are read as they were added, twice, and leave nothing',
  async (size) => {
    const bytes = randomBytes(size);
    {
      await using spool = createSpools({ folder }).open();
      for (let at = 0; at < size; at += 300_001) await spool.add(bytes.subarray(at, at + 300_001));
      expect(spool.length).toBe(size);
      for (const _time of [1, 2]) expect((await contentOf(spool)).equals(bytes)).toBe(true);
      // Its file has no name, so that a crash leaves none either.
      expect(await readdir(folder)).toEqual([]);
    }
    expect(await readdir(folder)).toEqual([]);
  },
);

test('it goes on after it was read', async () => {
  await using spool = createSpools({ folder }).open();
  const bytes = randomBytes(2 * MIB + 10);
  await spool.add(bytes.subarray(0, MIB + 5));
  expect((await contentOf(spool)).equals(bytes.subarray(0, MIB + 5))).toBe(true);
  await spool.add(bytes.subarray(MIB + 5));
  expect((await contentOf(spool)).equals(bytes)).toBe(true);
});

test('a small one needs no disk at all', async () => {
  await writeFile(join(folder, 'file'), '');
  const spools = createSpools({ folder: join(folder, 'file') });
  await using small = spools.open();
  await small.add(randomBytes(MIB));
  expect(await contentOf(small)).toHaveLength(MIB);
  await expect(small.add(Buffer.from('x'))).rejects.toThrow(/ENOTDIR|EEXIST/);
});
