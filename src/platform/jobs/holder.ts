// Who holds a lease: host, process and one start of it. It lets a node that starts again after kill -9 free at once
// what its dead predecessor held, where waiting for the lease to end would keep uploads and encodes standing still.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

const boot = randomUUID();
let leases = 0;

/** A name for one lease: no two are alike, so that even this process cannot take its own lost lease for one it still has. */
export const newLeaseHolder = (): string => `${hostname()}/${process.pid}/${boot}/${(leases += 1)}`;

/** Whether `holder` is certainly gone: a process of this host that no longer runs, or an earlier start under our own number. */
export function isGone(holder: string): boolean {
  const [host, pid, start] = holder.split('/');
  if (host !== hostname() || !pid || start === boot) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
