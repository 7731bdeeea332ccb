// An ffmpeg that is watched: which files it opens and whom it calls, as strace sees it from outside. Where strace is
// missing or may not watch, ffmpeg runs as it is and nothing is known.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Ffmpeg } from '../../src/platform/ffmpeg/find.ts';
import { findExecutable } from '../../src/platform/ffmpeg/sandbox.ts';
import { testFfmpeg } from './videos.ts';

export interface TracedFfmpeg {
  ffmpeg: Ffmpeg;
  /** What was tried to open or to run, as absolute paths, and the addresses that were called. */
  touched(): Promise<string[] | undefined>;
}

const run = promisify(execFile);
const OPENED = /\b(?:open|openat|openat2|creat|execve)\((?:AT_FDCWD, |\d+, )?"((?:[^"\\]|\\.)*)"/;
const CALLED = /\b(?:connect|sendto|sendmsg)\(\d+, .*?(AF_INET6?\b.*)/;

/** `log` is a file for what strace says; `cwd` is where the runs work. */
export async function traceFfmpeg({ log, cwd }: { log: string; cwd: string }): Promise<TracedFfmpeg> {
  const found = await testFfmpeg();
  const strace = await findStrace();
  if (strace === undefined) return { ffmpeg: found, touched: async () => undefined };
  const options = ['-f', '-qq', '-s', '4096', '-A', '-o', log, '-e', 'trace=%file,%network', '--'];
  // Without a file system of its own: what ffmpeg would do if it could.
  const { nice, prlimit, unshare, setpriv } = found.sandbox.tools;
  const tools = { nice, unshare, setpriv: [...setpriv, strace, ...options], ...(prlimit && { prlimit }) };
  return {
    ffmpeg: { ...found, sandbox: { ...found.sandbox, tools } },
    async touched() {
      const lines = (await readFile(log, 'utf8')).split('\n');
      return lines.flatMap((line) => {
        const path = OPENED.exec(line)?.[1];
        const address = CALLED.exec(line)?.[1];
        return [...(path === undefined ? [] : [resolve(cwd, path)]), ...(address ? [address] : [])];
      });
    },
  };
}

/** It may be there and not be allowed to watch, as in some containers. */
async function findStrace(): Promise<string | undefined> {
  const strace = await findExecutable('strace', process.env['PATH'] ?? '');
  if (strace === undefined) return undefined;
  return run(strace, ['-qq', '-o', '/dev/null', process.execPath, '--version']).then(
    () => strace,
    () => undefined,
  );
}
