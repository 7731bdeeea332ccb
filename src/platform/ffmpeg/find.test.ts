import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testFfmpeg } from '../../../test/support/videos.ts';
import { findFfmpeg } from './find.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-find-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const search = process.env['PATH'] ?? '';

async function script(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${text}\n`);
  await chmod(path, 0o755);
  return path;
}

describe('finding ffmpeg', () => {
  test('takes the one on the search path and reads its version and filters', async () => {
    const known = await testFfmpeg();
    const found = await findFfmpeg({ search });
    expect(found).toMatchObject({ ffmpeg: known.ffmpeg, bundled: known.bundled });
    expect(found?.version).toMatch(/\d/);
    expect([...(found?.filters ?? [])]).toEqual(expect.arrayContaining(['scale', 'fps', 'split']));
  });

  test('falls back to the one from npm and says so', async () => {
    const found = await findFfmpeg({ search: folder });
    expect(found?.bundled).toBe(true);
    expect(found?.ffmpeg).toContain('@ffmpeg-installer');
  });

  test('takes an explicit program with its neighbour, before anything on the path', async () => {
    const known = await testFfmpeg();
    await mkdir(join(folder, 'own'), { recursive: true });
    for (const program of ['ffmpeg', 'ffprobe'] as const)
      await symlink(known[program], join(folder, 'own', program));
    const found = await findFfmpeg({ ffmpegPath: join(folder, 'own/ffmpeg'), search });
    expect(found).toMatchObject({
      ffmpeg: join(folder, 'own/ffmpeg'),
      ffprobe: join(folder, 'own/ffprobe'),
      bundled: false,
    });
  });

  test('names an explicit path where nothing can be run', async () => {
    const missing = join(folder, 'missing');
    await expect(findFfmpeg({ ffmpegPath: missing, search })).rejects.toThrow(missing);
    await expect(findFfmpeg({ ffprobePath: missing, search })).rejects.toThrow(missing);
  });

  test('names an explicit program that is something else', async () => {
    const other = await script('other/ffmpeg', 'echo hello');
    await expect(findFfmpeg({ ffmpegPath: other, search })).rejects.toThrow(
      `The program at ${other} is not ffmpeg.`,
    );
  });

  test('passes over an ffmpeg on the path that cannot write H.264', async () => {
    const poor = 'case "$1" in -version) echo "ffmpeg version 9";; *) echo " V....D mpeg4  MPEG-4";; esac';
    const ffmpeg = await script('poor/ffmpeg', poor);
    await script('poor/ffprobe', 'echo "ffprobe version 9"');
    expect((await findFfmpeg({ search: dirname(ffmpeg) }))?.bundled).toBe(true);
    await expect(findFfmpeg({ ffmpegPath: ffmpeg, search })).rejects.toThrow('cannot write H.264');
  });
});
