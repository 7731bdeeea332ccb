// Parts of an upload that arrived ahead of their turn were acknowledged like any others: they move with the site.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openStorage } from '../../src/platform/storage/open.ts';
import type { StorageSettings } from '../../src/platform/storage/settings.ts';
import { join, type Person } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { runVeranda } from '../support/commands.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { spawnServer, type ServerProcess } from '../support/servers.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PIECE = 100_000;
const film = makeFile(5 * PIECE);
const SECRET_KEY = '7c1f52e09ab34d8686f1c0d2e5b7a934';
/** What is there of the film, in pieces: the first, and two ahead. */
const THERE = [0, 2, 3];

let s3: TestS3;
let folder: string;
let site: ServerProcess;
let ann: Person;
let id: string;

const at = (name: string): string => joinPath(folder, name);

beforeAll(async () => {
  s3 = await startS3();
  folder = await mkdtemp(joinPath(tmpdir(), 'veranda-parts-'));
  site = await spawnServer({ SECRET_KEY });
  ann = await join(site.base);
  ({ id } = await ask(site.base, '', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ filename: 'a.mp4', length: film.length }),
  }));
  for (const place of THERE) await sendPart(site.base, place);
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

interface Upload {
  id: string;
  missing: { start: number; end: number }[];
  finished: boolean;
}

async function ask(
  base: string,
  path: string,
  init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
): Promise<Upload> {
  const headers = { authorization: `Bearer ${ann.access}`, ...init.headers };
  const answer = await fetch(`${base}/api/uploads${path}`, { ...init, headers });
  expect(answer.status).toBeLessThan(300);
  return (await answer.json()) as Upload;
}

const sendPart = (base: string, place: number): Promise<Upload> =>
  ask(base, `/${id}/parts?offset=${place * PIECE}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: film.subarray(place * PIECE, (place + 1) * PIECE),
  });

async function expectParts(settings: StorageSettings): Promise<void> {
  await using store = await openStorage(settings);
  for (const place of THERE) {
    const range = { start: place * PIECE, end: (place + 1) * PIECE - 1 };
    const bytes = await buffer(store.drafts.read(id, range));
    expect(bytes.equals(film.subarray(range.start, range.end + 1))).toBe(true);
  }
}

async function copy(from: string, to: string): Promise<void> {
  const env = { DATA_DIR: site.dataDir, SECRET_KEY, ...s3.environment };
  const finished = await runVeranda(['copy-storage', '--from', from, '--to', to, '--verify'], { env });
  expect(finished).toMatchObject({ code: 0, err: '' });
  expect(finished.out).toContain(`unfinished uploads: 1 files, ${THERE.length * PIECE} bytes`);
}

test('into a bucket and back onto a disk', async () => {
  await copy(site.dataDir, `s3://${s3.settings.bucket}`);
  await expectParts(s3.settings);
  await copy(`s3://${s3.settings.bucket}`, at('back'));
  await expectParts({ kind: 'local', folder: at('back') });
});

test('into a backup, out of which the upload goes on in another store', async () => {
  const made = await runVeranda(['backup', '--to', at('backup')], {
    env: { DATA_DIR: site.dataDir, SECRET_KEY },
  });
  expect(made).toMatchObject({ code: 0, err: '' });
  const bucket = await s3.makeBucket();
  const env = { DATA_DIR: at('restored'), SECRET_KEY, ...s3.environment, S3_BUCKET: bucket.bucket };
  const restored = await runVeranda(['restore', '--from', at('backup')], { env });
  expect(restored).toMatchObject({ code: 0, err: '' });
  await expectParts(bucket);
  await using other = await spawnServer(env);
  const { missing } = await ask(other.base, `/${id}`);
  expect(missing).toEqual([
    { start: PIECE, end: 2 * PIECE },
    { start: 4 * PIECE, end: 5 * PIECE },
  ]);
  // One that is there is compared with what was sent.
  await sendPart(other.base, 3);
  await sendPart(other.base, 4);
  expect((await sendPart(other.base, 1)).missing).toEqual([]);
  await using store = await openStorage(bucket);
  const whole = await buffer(store.drafts.read(id, { start: 0, end: film.length - 1 }));
  expect(whole.equals(film)).toBe(true);
});
