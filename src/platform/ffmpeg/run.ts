// Runs ffmpeg or ffprobe on one stranger's file. When the promise settles, whatever way, no process of the run is left:
// the child leads its own process group, and the whole group is killed on abort, time-out and too much output.

import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Ffmpeg } from './find.ts';
import { confine, type RunLimits } from './sandbox.ts';

export interface FfmpegRun {
  ffmpeg: Ffmpeg;
  program: 'ffmpeg' | 'ffprobe';
  args: string[];
  /** The only directory that the program may write to. */
  cwd: string;
  readable: string[];
  limits: RunLimits;
  signal?: AbortSignal | undefined;
  /** Only when nobody else wants the processor. */
  idle?: boolean | undefined;
  /** With it, lines are handed on as they come and `stdout` stays empty. */
  onStdoutLine?: (line: string) => void;
}

/** `cpu`: by the CPU limit, which only ffprobe's end tells of. `killed`: from outside, or ffmpeg by that limit. `exit`: the program itself gave up. */
export type FfmpegFailure =
  | 'timeout'
  | 'cpu'
  | 'aborted'
  | 'killed'
  | 'output'
  | 'disk_full'
  | 'memory'
  | 'not_started'
  | 'exit';

export class FfmpegFailed extends Error {
  override readonly name = 'FfmpegFailed';
  readonly reason: FfmpegFailure;
  readonly exitCode: number | undefined;
  /** The last 8 KiB, for the log: it may hold paths and text out of the file. */
  readonly stderrTail: string;

  constructor(reason: FfmpegFailure, ending: { exitCode?: number | undefined; stderrTail: string }) {
    super(`ffmpeg: ${reason}${ending.exitCode === undefined ? '' : ` (exit code ${ending.exitCode})`}`);
    this.reason = reason;
    this.exitCode = ending.exitCode;
    this.stderrTail = ending.stderrTail;
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const STDERR_BYTES = 8 * 1024;
const STDOUT_BYTES = 4 * 1024 * 1024;
const WATCH_MS = 500;
const ENVIRONMENT = { LC_ALL: 'C', AV_LOG_FORCE_NOCOLOR: '1', MALLOC_ARENA_MAX: '2' };

/** Resolves when the program has ended well; rejects with FfmpegFailed otherwise. */
export async function runFfmpeg(run: FfmpegRun): Promise<{ stdout: string }> {
  if (run.signal?.aborted) throw new FfmpegFailed('aborted', { stderrTail: '' });
  const { ffmpeg, cwd, limits } = run;
  const [command = '', ...args] = confine(ffmpeg.sandbox, {
    ...run,
    program: ffmpeg[run.program],
    tellsOfCpu: run.program === 'ffprobe',
  });
  const child = spawn(command, args, {
    cwd,
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });

  let stopped: FfmpegFailure | undefined;
  const stop = (reason: FfmpegFailure): void => {
    stopped ??= reason;
    killGroup(child);
  };
  const onAbort = (): void => stop('aborted');
  const timer = setTimeout(() => stop('timeout'), limits.wallMs);
  const watch = watchSize({ directory: cwd, limit: limits.outputBytes, onExceeded: () => stop('output') });
  run.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const stderr = keepTail(child.stderr);
    const stdout = readStdout(child.stdout, { onLine: run.onStdoutLine, onExceeded: () => stop('output') });
    const ending = await waitForEnd(child);
    const reason = stopped ?? judge(ending, stderr());
    if (reason) throw new FfmpegFailed(reason, { exitCode: ending.code ?? undefined, stderrTail: stderr() });
    if ((await measure(cwd)) > limits.outputBytes)
      throw new FfmpegFailed('output', { exitCode: 0, stderrTail: stderr() });
    return { stdout: stdout() };
  } finally {
    clearTimeout(timer);
    watch.stop();
    run.signal?.removeEventListener('abort', onAbort);
  }
}

interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
  error?: Error;
}

function killGroup(child: Child): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

/** The end is `close`, not `exit`: only then is every holder of the pipes gone and all output read. */
async function waitForEnd(child: Child): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
}

function judge(ending: Ending, stderr: string): FfmpegFailure | undefined {
  if (ending.error) return 'not_started';
  // The segment muxer of some builds goes on when a file cannot be written, and ends well.
  if (stderr.includes('No space left on device')) return 'disk_full';
  if (ending.code === 0) return undefined;
  // Bubblewrap passes a signal on as 128 + its number.
  if (ending.signal === 'SIGXFSZ' || ending.code === 153 || stderr.includes('File too large'))
    return 'output';
  if (stderr.includes('Cannot allocate memory')) return 'memory';
  if (ending.signal === 'SIGXCPU' || ending.code === 152) return 'cpu';
  if (ending.signal || ending.code === 137 || ending.code === 255) return 'killed';
  return 'exit';
}

function keepTail(stream: Readable): () => string {
  let tail = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_BYTES);
  });
  return () => tail;
}

function readStdout(
  stream: Readable,
  to: { onLine: ((line: string) => void) | undefined; onExceeded: () => void },
): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    if (to.onLine) {
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) to.onLine(line);
    }
    if (text.length <= STDOUT_BYTES) return;
    text = '';
    to.onExceeded();
  });
  return () => (to.onLine ? '' : text);
}

/** The kernel limits each file; only this look from outside limits all of them together. */
function watchSize(watch: { directory: string; limit: number; onExceeded: () => void }): {
  stop: () => void;
} {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const look = async (): Promise<void> => {
    const size = await measure(watch.directory);
    if (stopped) return;
    if (size > watch.limit) watch.onExceeded();
    else timer = setTimeout(() => void look(), WATCH_MS);
  };
  timer = setTimeout(() => void look(), WATCH_MS);
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

async function measure(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  let total = 0;
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    // A file may be renamed between the two looks.
    const found = await stat(join(entry.parentPath, entry.name)).catch(() => undefined);
    total += found?.size ?? 0;
  }
  return total;
}
