import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testFfmpeg } from '../../../test/support/videos.ts';
import type { Ffmpeg } from './find.ts';
import { runFfmpeg } from './run.ts';
import { confine, findExecutable, testSandbox, type Sandbox } from './sandbox.ts';

const search = process.env['PATH'] ?? '';
const limits = { wallMs: 20_000, cpuSeconds: 10, memoryBytes: 1024 ** 3, outputBytes: 2 * 1024 ** 2 };
let folder: string;
let ffmpeg: Ffmpeg;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-sandbox-'));
  ffmpeg = await testFfmpeg();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs any system program in ffmpeg's place. */
async function inside(name: string, args: string[], readable: string[] = []): Promise<string> {
  const program = await findExecutable(name, search);
  if (!program) throw new Error(`These tests need ${name}.`);
  const { stdout } = await runFfmpeg({
    ffmpeg: { ...ffmpeg, ffmpeg: program },
    program: 'ffmpeg',
    args,
    cwd: folder,
    readable,
    limits,
  });
  return stdout;
}

describe('the sandbox', () => {
  test('leaves out every tool that is not there and says so', async () => {
    const sandbox = await testSandbox(folder, [ffmpeg.ffmpeg]);
    expect(sandbox).toMatchObject({ network: 'shared', files: 'shared', limits: false });
    expect(confine(sandbox, { program: '/bin/x', args: ['-y'], cwd: folder, readable: [], limits })).toEqual([
      '/bin/x',
      '-y',
    ]);
  });

  test('hands on nothing of the environment', async () => {
    process.env['VERANDA_TEST_SECRET'] = 'seen';
    const environment = await inside('env', []);
    delete process.env['VERANDA_TEST_SECRET'];
    expect(environment).not.toContain('seen');
    expect(environment).not.toContain('PATH=/');
  });

  test('cuts the network where it reports so', async () => {
    const interfaces = await inside('cat', ['/proc/self/net/dev']);
    const others = interfaces
      .split('\n')
      .filter((line) => /^\s*[^\s|:]+:/.test(line) && !line.includes('lo:'));
    if (ffmpeg.sandbox.network === 'cut') expect(others).toEqual([]);
    else expect(interfaces).toContain('lo:');
  });

  test('limits CPU time, memory, file size and core dumps where it reports so', async () => {
    const text = await inside('cat', ['/proc/self/limits']);
    const soft = (name: string): string | undefined =>
      new RegExp(`^Max ${name} +(\\S+)`, 'm').exec(text)?.[1];
    const found = {
      cpu: soft('cpu time'),
      memory: soft('address space'),
      size: soft('file size'),
      core: soft('core file size'),
    };
    const set = {
      cpu: '10',
      memory: String(limits.memoryBytes),
      size: String(limits.outputBytes),
      core: '0',
    };
    if (ffmpeg.sandbox.limits) expect(found).toEqual(set);
    else expect(found).not.toEqual(set);
  });

  test('shows only the named files where it reports isolation', async () => {
    const input = join(tmpdir(), `veranda-input-${process.pid}`);
    const canary = join(tmpdir(), `veranda-canary-${process.pid}`);
    await Promise.all([writeFile(input, 'input'), writeFile(canary, 'canary')]);
    try {
      expect(await inside('cat', [input], [input])).toBe('input');
      const peeked = inside('cat', [canary], [input]);
      if (ffmpeg.sandbox.files === 'isolated') await expect(peeked).rejects.toMatchObject({ reason: 'exit' });
      else expect(await peeked).toBe('canary');
    } finally {
      await Promise.all([rm(input), rm(canary)]);
    }
  });

  test('lets the program write into its working directory', async () => {
    await inside('cp', ['/proc/self/limits', 'copy']);
    expect(await readFile(join(folder, 'copy'), 'utf8')).toContain('Max cpu time');
  });

  test('puts isolation inside the limits, so that they hold for all of it', () => {
    const tools = { nice: ['/n', '-n', '10'], prlimit: '/p', bubblewrap: '/b', unshare: [], setpriv: ['/s'] };
    const sandbox: Sandbox = { network: 'cut', files: 'isolated', limits: true, tools };
    const command = confine(sandbox, {
      program: '/opt/ffmpeg',
      args: ['-x'],
      cwd: '/work',
      readable: ['/in'],
      limits,
    });
    expect(command.slice(0, 4)).toEqual(['/n', '-n', '10', '/p']);
    const isolation = command.slice(command.indexOf('/b'));
    expect(isolation).toEqual(expect.arrayContaining(['--unshare-all', '--die-with-parent']));
    expect(isolation.join(' ')).toMatch(
      /--ro-bind \/opt\/ffmpeg \/opt\/ffmpeg --ro-bind \/in \/in --bind \/work \/work --chdir \/work -- \/opt\/ffmpeg -x$/,
    );
    expect(command).not.toContain('/s');
  });
});
