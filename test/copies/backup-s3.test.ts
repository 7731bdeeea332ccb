// A backup of a site whose files lie in a bucket, brought back into another bucket and onto a disk.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openStorage } from '../../src/platform/storage/open.ts';
import type { S3Settings } from '../../src/platform/storage/settings.ts';
import { asDataUrl, call, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { type Finished, runVeranda } from '../support/commands.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { spawnServer, type ServerProcess } from '../support/servers.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const PIECE = 100_000;
const film = makeFile(3 * PIECE);

let s3: TestS3;
let folder: string;
let site: ServerProcess;
let ann: Person;
/** Of the picture that she posted. */
let address: string;
let made: Finished;

beforeAll(async () => {
  s3 = await startS3();
  folder = await mkdtemp(joinPath(tmpdir(), 'veranda-backup-s3-'));
  site = await spawnServer(s3.environment);
  ann = await join(site.base);
  const create = { width: 64, height: 64, channels: 3, background: 'teal' } as const;
  const image = asDataUrl(await sharp({ create }).png().toBuffer(), 'image/png');
  const postID = await say(site.base, ann, 'with a picture');
  const body = { postID, imageBase64: image };
  await call(site.base, '/api/posts/post/add/media/image/', { token: ann.access, body });
  const { json } = await call(site.base, `/api/posts/post/${postID}`);
  address = json.media_files[0].file;
  await sendPiece(site.base, 0);
  made = await runVeranda(['backup', '--to', joinPath(folder, 'backup')], {
    env: { DATA_DIR: site.dataDir, ...keyed(s3.environment) },
  });
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const keyed = (env: Record<string, string>): Record<string, string> => ({
  ...env,
  SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934',
});

const inBucket = ({ bucket }: S3Settings): Record<string, string> => ({
  ...s3.environment,
  S3_BUCKET: bucket,
});

async function sendPiece(base: string, offset: number): Promise<void> {
  const bytes = film.subarray(offset, offset + PIECE);
  const fields = { offset: String(offset) };
  expect((await sendChunk(base, ann, { filename: 'a.mp4', bytes, fields })).status).toBe(200);
}

/** The restored site shows the picture, takes the token, and goes on with the upload. */
async function look(env: Record<string, string>, dataDir: string): Promise<void> {
  await using restored = await spawnServer(keyed({ ...env, DATA_DIR: dataDir }));
  const { pathname } = new URL(address, site.base);
  const [before, after] = await Promise.all(
    [site.base, restored.base].map(async (base) => (await fetch(base + pathname)).arrayBuffer()),
  );
  expect(after?.byteLength).toBeGreaterThan(0);
  expect(after).toEqual(before);
  await sendPiece(restored.base, PIECE);
}

test('is made while the site runs', () => {
  expect(made).toMatchObject({ code: 0, err: '', out: expect.stringContaining('1 unfinished uploads') });
});

test('comes back into another bucket', async () => {
  const bucket = await s3.makeBucket();
  const dataDir = joinPath(folder, 'in-a-bucket');
  const env = inBucket(bucket);
  const args = ['restore', '--from', joinPath(folder, 'backup')];
  const finished = await runVeranda(args, { env: { DATA_DIR: dataDir, ...keyed(env) } });
  expect(finished).toMatchObject({ code: 0, err: '' });
  await look(env, dataDir);
  await using store = await openStorage(bucket);
  const drafts: Buffer[] = [];
  for await (const { key } of store.drafts.list())
    drafts.push(await buffer(store.drafts.read(key, { start: 0, end: 2 * PIECE - 1 })));
  expect(drafts).toEqual([film.subarray(0, 2 * PIECE)]);
  // Not over what is there.
  const again = await runVeranda(args, { env: { DATA_DIR: joinPath(folder, 'again'), ...keyed(env) } });
  expect(again).toMatchObject({ code: 1 });
});

test('comes back onto a disk', async () => {
  const dataDir = joinPath(folder, 'on-a-disk');
  const args = ['restore', '--from', joinPath(folder, 'backup')];
  const finished = await runVeranda(args, { env: { DATA_DIR: dataDir, ...keyed({}) } });
  expect(finished).toMatchObject({ code: 0, err: '' });
  await look({}, dataDir);
});
