import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BrokenSecretKey, keepSecretKey } from './secret-key.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-key-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a key is made once and stays, for its owner alone', async () => {
  const key = await keepSecretKey(folder);
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(await keepSecretKey(folder)).toBe(key);
  expect(await readdir(folder)).toEqual(['secret-key']);
  expect((await stat(join(folder, 'secret-key'))).mode & 0o777).toBe(0o600);
});

test('of many that start at once all get the same key', async () => {
  const keys = await Promise.all(Array.from({ length: 20 }, () => keepSecretKey(folder)));
  expect(new Set(keys).size).toBe(1);
  expect(await readdir(folder)).toEqual(['secret-key']);
});

test('a line end that an editor added does not count', async () => {
  const key = await keepSecretKey(folder);
  await writeFile(join(folder, 'secret-key'), `${key}\n`);
  expect(await keepSecretKey(folder)).toBe(key);
});

test.each(['', '\n', 'f3a91c07be5d', 'x'.repeat(64)])(
  'a file with "%s" is no key, and is left alone',
  async (content) => {
    await writeFile(join(folder, 'secret-key'), content);
    await expect(keepSecretKey(folder)).rejects.toThrow(BrokenSecretKey);
    expect(await readFile(join(folder, 'secret-key'), 'utf8')).toBe(content);
  },
);
