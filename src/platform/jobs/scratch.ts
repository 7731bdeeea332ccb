// Where jobs of this process put what they throw away later: a folder of its own, as other processes may be at work
// in the same data folder (a server that still drains, the seed). Only what certainly nobody uses is removed.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isGone, isHere, newLeaseHolder } from './holder.ts';

export interface Scratch {
  /** Of this process alone; whoever uses it makes it. */
  readonly folder: string;
  /** Removes what dead processes left, and what another host left untouched for a day. */
  sweep(): Promise<void>;
}

const ABANDONED_MS = 86_400_000;

export function createScratch(root: string, now: () => number): Scratch {
  return {
    folder: join(root, newLeaseHolder().replaceAll('/', '+')),
    async sweep() {
      for (const name of await readdir(root).catch(() => [])) {
        const [path, holder] = [join(root, name), name.replaceAll('+', '/')];
        const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
        const isOld = now() - mtimeMs > ABANDONED_MS;
        if (isHere(holder) ? isGone(holder) : isOld) await rm(path, { recursive: true, force: true });
      }
    },
  };
}
