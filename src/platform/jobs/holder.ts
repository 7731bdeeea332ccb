// Who holds a lease: host, process and one start of it. It lets a node that starts again after kill -9 free at once
// what its dead predecessor held, where waiting for the lease to end would keep uploads and encodes standing still. What a
// machine held that was itself started anew is waited for.
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

const boot = randomUUID();

/**
 * Where process numbers mean the same: containers that share a host's name have numbers of their own, and so have machines
 * that were made of one image.
 */
const place = [hostname(), read(pidNamespace), read(bootId)].join('.');
let leases = 0;

/** A name for one lease: no two are alike, so that even this process cannot take its own lost lease for one it still has. */
export const newLeaseHolder = (): string => `${place}/${process.pid}/${boot}/${(leases += 1)}`;

/** Whether that can be told here. */
export const isHere = (holder: string): boolean => holder.split('/')[0] === place;

/** Whether `holder` is certainly gone: a process of this host that no longer runs, or an earlier start under our own number. */
export function isGone(holder: string): boolean {
  const [host, pid, start] = holder.split('/');
  if (host !== place || !pid || start === boot) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '');
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Not every system has them. */
function read(fact: () => string): string {
  try {
    return fact();
  } catch {
    return '';
  }
}
