import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isGone, newLeaseHolder } from './holder.ts';

const [here] = newLeaseHolder().split('/');

test('a lease of this process is never gone, and no two are alike', () => {
  const [one, other] = [newLeaseHolder(), newLeaseHolder()];
  expect(one).not.toBe(other);
  expect([isGone(one), isGone(other)]).toEqual([false, false]);
});

test('a process of this host is gone when it no longer runs', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  const holder = `${here}/${child.pid}/another-start/1`;
  expect(isGone(holder)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isGone(holder)).toBe(true);
});

test('an earlier start under our own process number is gone', () => {
  expect(isGone(`${here}/${process.pid}/earlier-start/1`)).toBe(true);
});

test('nothing is said of a machine of the same name, which another boot tells apart', () => {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const there = here?.replace(boot, '00000000-0000-4000-8000-000000000000');
  expect(there).not.toBe(here);
  expect(isGone(`${there}/${process.pid}/earlier-start/1`)).toBe(false);
});

test('nothing is said of other hosts and of what is no holder', () => {
  expect(isGone(`elsewhere.example/${process.pid}/earlier-start/1`)).toBe(false);
  expect(isGone('somebody')).toBe(false);
  expect(isGone('')).toBe(false);
});
