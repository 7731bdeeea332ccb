import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVideoFolder } from '../../../../test/support/published-videos.ts';
import { makeVideo } from '../../../../test/support/videos.ts';
import { blankSignatures, isWhole, readVideoCodec } from './fragments.ts';
import { explainFailure, VideoProblem } from './problems.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await makeVideoFolder();
  const options = [
    '-movflags',
    'empty_moov',
    '-metadata',
    'comment=secret',
    '-profile:v',
    'baseline',
    '-level',
    '3.0',
  ];
  path = await makeVideo({ directory: folder, seconds: 1, options });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('fragmented MP4', () => {
  test('declares its H.264 profile and level', async () => {
    expect(readVideoCodec(await readFile(path))).toBe('avc1.42C01E');
    expect(readVideoCodec(Buffer.from('no such box'))).toBeUndefined();
    expect(readVideoCodec(Buffer.from('....avcC'))).toBeUndefined();
  });

  test('loses its signatures and nothing of its length', async () => {
    const bytes = await readFile(path);
    const init = bytes.subarray(0, bytes.indexOf('moof') - 4);
    expect(init.toString('latin1')).toMatch(/secret/);
    const blank = blankSignatures(init);
    expect(blank.toString('latin1')).not.toMatch(/secret|Lav[cf]/);
    expect(blank.length).toBe(init.length);
    expect(readVideoCodec(blank)).toBe('avc1.42C01E');
  });

  test('is whole only to its last byte', async () => {
    const bytes = await readFile(path);
    const other = join(folder, 'other.m4s');
    expect(await isWhole(path)).toBe(true);
    for (const short of [
      bytes.subarray(0, -1),
      bytes.subarray(0, 2000),
      bytes.subarray(0, 3),
      Buffer.alloc(0),
      Buffer.alloc(64),
    ]) {
      await writeFile(other, short);
      expect(await isWhole(other), `${short.length} bytes`).toBe(false);
    }
  });
});

describe('a full disk', () => {
  test('is no fault of the video', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    expect(explainFailure(full)).toMatchObject({ code: 'video_interrupted', retryable: true });
    expect(explainFailure(full)).toBeInstanceOf(VideoProblem);
  });
});
