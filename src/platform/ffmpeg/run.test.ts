import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testFfmpeg } from '../../../test/support/videos.ts';
import type { Ffmpeg } from './find.ts';
import { FfmpegFailed, runFfmpeg, type FfmpegRun } from './run.ts';

const limits = { wallMs: 60_000, cpuSeconds: 60, memoryBytes: 2 * 1024 ** 3, outputBytes: 20 * 1024 ** 2 };
/** Encodes for ever, at the speed at which one would watch. */
const ENDLESS = [
  '-nostdin',
  '-v',
  'error',
  '-nostats',
  '-progress',
  'pipe:1',
  '-re',
  '-f',
  'lavfi',
  '-i',
  'testsrc2=size=64x64',
];
let folder: string;
let ffmpeg: Ffmpeg;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-run-'));
  ffmpeg = await testFfmpeg();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (more: Partial<FfmpegRun> & { args: string[] }): Promise<{ stdout: string }> =>
  runFfmpeg({ ffmpeg, program: 'ffmpeg', cwd: folder, readable: [], limits, ...more });

async function failure(promise: Promise<unknown>): Promise<FfmpegFailed> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof FfmpegFailed)) throw new Error('It did not fail as ffmpeg does.', { cause: error });
  return error;
}

/** Processes that work in the test's directory: whatever a run started does. */
async function leftovers(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, place) => places[place] === folder);
}

describe('running ffmpeg', () => {
  test('resolves with what it printed', async () => {
    const { stdout } = await run({
      program: 'ffprobe',
      args: ['-v', 'error', '-show_program_version', '-of', 'json'],
    });
    expect(JSON.parse(stdout)).toHaveProperty('program_version');
  });

  test('hands progress on line by line', async () => {
    const lines: string[] = [];
    const args = [
      '-nostats',
      '-progress',
      'pipe:1',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=64x64:duration=1',
      '-f',
      'null',
      '-',
    ];
    const { stdout } = await run({ args, onStdoutLine: (line) => lines.push(line) });
    expect(stdout).toBe('');
    expect(lines.at(-1)).toBe('progress=end');
  });

  test('rejects with the exit code and the end of what it complained about', async () => {
    const error = await failure(run({ args: ['-i', 'missing.mp4', '-f', 'null', '-'] }));
    expect(error).toMatchObject({ reason: 'exit', exitCode: expect.any(Number) });
    expect(error.stderrTail).toContain('No such file');
    expect(error.stderrTail.length).toBeLessThanOrEqual(8 * 1024);
  });

  test('an abort leaves no process', async () => {
    const abort = new AbortController();
    const seen: string[][] = [];
    const running = run({
      args: [...ENDLESS, '-f', 'null', '-'],
      signal: abort.signal,
      onStdoutLine: (line) => {
        if (line.startsWith('progress=')) void leftovers().then((pids) => (seen.push(pids), abort.abort()));
      },
    });
    expect((await failure(running)).reason).toBe('aborted');
    expect(seen[0]?.length).toBeGreaterThan(0);
    expect(await leftovers()).toEqual([]);
  });

  test('a run that was aborted before is not started', async () => {
    expect((await failure(run({ args: ['-version'], signal: AbortSignal.abort() }))).reason).toBe('aborted');
  });

  test('a run over its time is killed and leaves no process', async () => {
    const started = performance.now();
    const error = await failure(
      run({ args: [...ENDLESS, '-f', 'null', '-'], limits: { ...limits, wallMs: 700 } }),
    );
    expect(error.reason).toBe('timeout');
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(await leftovers()).toEqual([]);
  });

  test('ffprobe over its time of the processor tells so', async () => {
    if (!ffmpeg.sandbox.limits) return;
    const args = ['-v', 'error', '-count_frames', '-f', 'lavfi', 'testsrc2=size=64x64'];
    const running = run({ program: 'ffprobe', args, limits: { ...limits, cpuSeconds: 1 } });
    expect((await failure(running)).reason).toBe('cpu');
    expect(await leftovers()).toEqual([]);
  });

  test('many small files together are stopped at the output limit', async () => {
    const args = [...ENDLESS.filter((word) => word !== '-re'), '-c:v', 'bmp', '-f', 'image2', '%06d.bmp'];
    const error = await failure(run({ args, limits: { ...limits, outputBytes: 2 * 1024 ** 2 } }));
    expect(error.reason).toBe('output');
    expect(await leftovers()).toEqual([]);
  });

  test('one file is stopped at the output limit', async () => {
    const args = [...ENDLESS.filter((word) => word !== '-re'), '-c:v', 'rawvideo', '-f', 'avi', 'out.avi'];
    expect((await failure(run({ args, limits: { ...limits, outputBytes: 1024 ** 2 } }))).reason).toBe(
      'output',
    );
  });

  test('a full disk is told apart from a bad file', async () => {
    const args = [
      '-y',
      '-v',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=duration=1',
      '-c:v',
      'rawvideo',
      '-f',
      'rawvideo',
      '/dev/full',
    ];
    expect((await failure(run({ args }))).reason).toBe('disk_full');
  });

  test('a program that cannot be started is reported as such', async () => {
    const sandbox = { ...ffmpeg.sandbox, tools: { nice: [], unshare: [], setpriv: [] } };
    const error = await failure(
      run({ ffmpeg: { ...ffmpeg, ffmpeg: join(folder, 'none'), sandbox }, args: [] }),
    );
    expect(error.reason).toBe('not_started');
  });

  describe.runIf(process.platform === 'linux')('a server that is killed', () => {
    /** A server that encodes for ever. */
    async function startEncoding(nice: string[]) {
      const program = join(folder, 'server.mjs');
      const { sandbox } = ffmpeg;
      const wanted = {
        ffmpeg: { ...ffmpeg, filters: [], sandbox: { ...sandbox, tools: { ...sandbox.tools, nice } } },
        program: 'ffmpeg',
        args: [...ENDLESS, '-f', 'null', '-'],
        cwd: folder,
        readable: [],
        limits,
      };
      await writeFile(
        program,
        `import { runFfmpeg } from ${JSON.stringify(new URL('run.ts', import.meta.url).href)};
         await runFfmpeg({ ...${JSON.stringify(wanted)}, onStdoutLine: () => process.stdout.write('.') });`,
      );
      const server = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((resolve) => server.stdout.once('data', resolve));
      return server;
    }

    test('takes its encoder with it', async () => {
      if (ffmpeg.sandbox.tools.setpriv.length === 0) return;
      const server = await startEncoding(ffmpeg.sandbox.tools.nice);
      expect(await leftovers()).not.toEqual([]);
      server.kill('SIGKILL');
      await expect.poll(leftovers, { timeout: 10_000 }).toEqual([]);
    });

    test('takes with it what is only on its way to be its encoder', async () => {
      if (ffmpeg.sandbox.tools.setpriv.length === 0) return;
      const [slow, go] = [join(folder, 'slow'), join(folder, 'go')];
      await writeFile(slow, `#!/bin/sh\necho\nwhile [ ! -e '${go}' ]; do sleep 0.05; done\nexec "$@"\n`, {
        mode: 0o755,
      });
      const server = await startEncoding([slow]);
      const ended = once(server, 'exit');
      server.kill('SIGKILL');
      await ended;
      expect(await leftovers()).not.toEqual([]);
      await writeFile(go, '');
      await expect.poll(leftovers, { timeout: 10_000 }).toEqual([]);
    });
  });
});
