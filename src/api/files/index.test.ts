// A stored file that cannot be read although it was there a moment ago.
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import Fastify from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLocalStorage } from '../../platform/storage/local.ts';
import type { Blob } from '../../platform/storage/storage.ts';
import { createFilesDoor } from './index.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Asks for a part of a file whose reading is `read`. */
async function ask(read: (blob: Blob) => Readable) {
  await using app = Fastify();
  const storage = openLocalStorage(folder);
  await storage.blobs.put('clip.mp4', Buffer.from('a film'));
  const open = async (key: string): Promise<Blob | undefined> => {
    const blob = await storage.blobs.open(key);
    return blob && { ...blob, read: () => read(blob) };
  };
  const streams = { findPlaylist: async () => undefined };
  await app.register(
    createFilesDoor({ storage: { ...storage, blobs: { ...storage.blobs, open } }, streams }),
  );
  const { statusCode, headers } = await app.inject({
    url: '/media/clip.mp4',
    headers: { range: 'bytes=1-3' },
  });
  const ofTheFile = ['etag', 'last-modified', 'content-range', 'accept-ranges'];
  return {
    status: statusCode,
    kept: headers['cache-control'],
    ofTheFile: ofTheFile.filter((name) => name in headers),
  };
}

test('is not found when it was removed meanwhile, and nobody keeps that', async () => {
  const answer = await ask((blob) => {
    rmSync(join(folder, 'media/clip.mp4'));
    return blob.read();
  });
  expect(answer).toEqual({ status: 404, kept: 'no-store', ofTheFile: [] });
});

test('is a fault when the system refuses it, which nobody keeps either', async () => {
  const refused = Object.assign(new Error('too many open files'), { code: 'EMFILE' });
  const answer = await ask(
    () =>
      new Readable({
        read() {
          this.destroy(refused);
        },
      }),
  );
  expect(answer).toEqual({ status: 500, kept: 'no-store', ofTheFile: [] });
});
