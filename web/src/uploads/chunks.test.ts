import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { encodeChunk, randomLetters, readDataUrl } from './chunks.ts';

test('an empty chunk is the bare prefix with the hash of nothing', async () => {
  expect(await encodeChunk(new Blob([]))).toEqual({
    dataUrl: 'data:application/octet-stream;base64,',
    sha256: createHash('sha256').digest('hex'),
  });
  expect(await readDataUrl(new Blob([], { type: 'image/png' }))).toBe('data:image/png;base64,');
});

test('random letters are as many as asked for and differ', () => {
  expect(randomLetters(10)).toMatch(/^[a-z2-7]{10}$/);
  expect(randomLetters(10)).not.toBe(randomLetters(10));
});
