import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createScratch } from './scratch.ts';
import { newLeaseHolder } from './holder.ts';

const [here] = newLeaseHolder().split('/');

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'veranda-scratch-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function leave(holder: string, daysAgo = 0): Promise<string> {
  const name = holder.replaceAll('/', '+');
  await mkdir(join(root, name, 'half-an-encode'), { recursive: true });
  const time = Date.now() / 1_000 - daysAgo * 86_400;
  await utimes(join(root, name), time, time);
  return name;
}

test('each scratch has a folder of its own', () => {
  const folders = [createScratch(root, Date.now).folder, createScratch(root, Date.now).folder];
  expect(new Set(folders).size).toBe(2);
  expect(basename(folders[0] ?? '')).not.toContain('/');
});

test('what a dead process left is removed; what a living one uses stays', async () => {
  const scratch = createScratch(root, Date.now);
  await mkdir(scratch.folder);
  const living = await leave(`${here}/${process.ppid}/earlier-boot/1`, 2);
  await leave(`${here}/999999999/some-boot/1`);
  await leave(`${here}/${process.pid}/earlier-boot/1`);
  await scratch.sweep();
  expect(new Set(await readdir(root))).toEqual(new Set([basename(scratch.folder), living]));
});

test('what another host left is removed after a day', async () => {
  const fresh = await leave('elsewhere/12/boot/1');
  await leave('elsewhere/13/boot/1', 2);
  await leave('not-a-name', 2);
  await createScratch(root, Date.now).sweep();
  expect(await readdir(root)).toEqual([fresh]);
});

test('there may be nothing to sweep', async () => {
  await rm(root, { recursive: true });
  await expect(createScratch(root, Date.now).sweep()).resolves.toBeUndefined();
});
