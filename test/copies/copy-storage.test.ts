// A site's files that move from one store to another, as an operator does it, while the site runs and people go on uploading.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openStorage } from '../../src/platform/storage/open.ts';
import type { StorageSettings } from '../../src/platform/storage/settings.ts';
import type { Storage } from '../../src/platform/storage/storage.ts';
import { join, type Person, sendChunk } from '../support/classic-client.ts';
import { makeFile } from '../support/classic-uploads.ts';
import { type Finished, runVeranda, spawnVeranda } from '../support/commands.ts';
import { databaseSettings } from '../support/engines.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** A store that files can be copied to: as the command line names it, with what the environment has to say of it. */
interface Place extends AsyncDisposable {
  argument: string;
  env: Record<string, string>;
  settings: StorageSettings;
}

async function makeFolder(): Promise<Place> {
  const folder = await mkdtemp(joinPath(tmpdir(), 'veranda-store-'));
  return {
    ...{ argument: folder, env: {}, settings: { kind: 'local', folder } },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function makeBucket(): Promise<Place> {
  const settings = await s3.makeBucket();
  const env = { ...s3.environment, SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934' };
  return { argument: `s3://${settings.bucket}`, env, settings, async [Symbol.asyncDispose]() {} };
}

const PIECE = 100_000;
/** What a store may hold, by key. */
const files = new Map<string, Buffer>([
  ['posts/empty.png', Buffer.alloc(0)],
  ['posts/one.png', Buffer.from('x')],
  ['videos/deep/down/there/segment-00001.m4s', randomBytes(3 * 2 ** 20 + 1)],
  ...Array.from({ length: 60 }, (_, index): [string, Buffer] => [
    `many/${index}.bin`,
    randomBytes(20_000 + index),
  ]),
]);

let site: TestServer;
let ann: Person;
let source: Storage;
let s3: TestS3;
const film = makeFile(3 * PIECE);

beforeAll(async () => {
  s3 = await startS3();
  site = await startServer();
  ann = await join(site.base);
  source = await openStorage({ kind: 'local', folder: site.dataDir });
  for (const [key, content] of files) await source.blobs.put(key, content);
  // Neither was ever named by a row.
  await writeFile(joinPath(site.dataDir, 'media/posts/one.png.1234.partial'), 'half');
  await writeFile(joinPath(site.dataDir, 'media/posts/Über uns.txt'), 'by hand');
  await send(0);
  // What was never acknowledged, and a draft that belongs to nobody.
  await appendFile(joinPath(site.dataDir, 'uploads', await draftKey()), 'never acknowledged');
  await mkdir(joinPath(site.dataDir, 'uploads'), { recursive: true });
  await writeFile(joinPath(site.dataDir, 'uploads/0123456789abcdef0123456789abcdef'), 'of nobody');
});
afterAll(async () => {
  await site[Symbol.asyncDispose]();
  await s3[Symbol.asyncDispose]();
});

async function send(offset: number): Promise<void> {
  const bytes = film.subarray(offset, offset + PIECE);
  const { status } = await sendChunk(site.base, ann, {
    filename: 'a.mp4',
    bytes,
    fields: { offset: String(offset) },
  });
  expect(status).toBe(200);
}

async function draftKey(): Promise<string> {
  const [row] = await ask<{ key: string }>(site.dataDir, 'select draft_key as key from uploads');
  return row?.key ?? '';
}

const copy = ({ argument, env }: Place, ...more: string[]): Promise<Finished> =>
  runVeranda(['copy-storage', '--from', site.dataDir, '--to', argument, ...more], {
    env: { DATA_DIR: site.dataDir, ...env },
  });

/** All that is in a store; drafts as far as they go. */
async function contentsOf({
  settings,
}: Place): Promise<{ blobs: Map<string, Buffer>; drafts: Map<string, Buffer> }> {
  await using store = await openStorage(settings);
  const [blobs, drafts] = [new Map<string, Buffer>(), new Map<string, Buffer>()];
  for await (const { key } of store.blobs.list()) {
    const blob = await store.blobs.open(key);
    if (blob) blobs.set(key, blob.size === 0 ? Buffer.alloc(0) : await buffer(blob.read()));
  }
  for await (const { key } of store.drafts.list())
    drafts.set(key, await buffer(store.drafts.read(key, { start: 0, end: film.length })));
  return { blobs, drafts };
}

describe.each([
  ['a folder', makeFolder],
  ['a bucket', makeBucket],
])('to %s', (_, make) => {
  test('every file comes over, and of uploads what was acknowledged; later runs bring only what is new', async () => {
    await using place = await make();
    const first = await copy(place);
    expect(first).toMatchObject({ code: 0, err: '' });
    expect(first.out).toContain(`copied: ${files.size} files, `);
    expect(first.out).toContain('; 0 were there already');
    expect(first.out).toContain(`unfinished uploads: 1 files, ${PIECE} bytes`);
    const { blobs, drafts } = await contentsOf(place);
    expect(blobs).toEqual(files);
    expect(drafts).toEqual(new Map([[await draftKey(), film.subarray(0, PIECE)]]));

    await source.blobs.put('posts/new.png', Buffer.from('new'));
    await send(PIECE);
    const again = await copy(place, '--verify');
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toContain(`copied: 1 files, 3 bytes; ${files.size} were there already`);
    const later = await contentsOf(place);
    expect(later.blobs.get('posts/new.png')?.toString()).toBe('new');
    expect(later.drafts).toEqual(new Map([[await draftKey(), film.subarray(0, 2 * PIECE)]]));
    await source.blobs.remove(['posts/new.png']);
    await ask(site.dataDir, `update uploads set "offset" = ?`, PIECE);
  });

  test('a copy that was killed is finished by the next one', async () => {
    await using place = await make();
    const args = ['copy-storage', '--from', site.dataDir, '--to', place.argument];
    const child = spawnVeranda(args, {
      env: { DATA_DIR: site.dataDir, ...(await databaseSettings(site.dataDir)), ...place.env },
    });
    const ended = once(child, 'exit');
    await using store = await openStorage(place.settings);
    await vi.waitUntil(
      async () => {
        for await (const _file of store.blobs.list()) return true;
        return child.exitCode !== null;
      },
      { timeout: 60_000, interval: 1 },
    );
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
    const { out } = await copy(place, '--verify');
    const [, copied, there] = /copied: (\d+) files, .*; (\d+) were there already/.exec(out) ?? [];
    expect(Number(copied) + Number(there)).toBe(files.size);
    expect(Math.min(Number(copied), Number(there))).toBeGreaterThan(0);
    expect((await contentsOf(place)).blobs).toEqual(files);
  });

  test('a file of the same size with other bytes is found by --verify alone, and mended', async () => {
    await using place = await make();
    await copy(place);
    {
      await using store = await openStorage(place.settings);
      await store.blobs.put('posts/one.png', Buffer.from('y'));
    }
    expect((await copy(place)).out).toContain('copied: 0 files');
    expect((await copy(place, '--verify')).out).toContain('copied: 1 files, 1 bytes');
    expect((await contentsOf(place)).blobs).toEqual(files);
  });
});

test('an upload whose bytes are lost is named', async () => {
  await using place = await makeFolder();
  await using lost = await startServer();
  const ben = await join(lost.base);
  await sendChunk(lost.base, ben, { filename: 'b.mp4', bytes: film });
  await rm(joinPath(lost.dataDir, 'uploads'), { recursive: true });
  const finished = await runVeranda(['copy-storage', '--from', lost.dataDir, '--to', place.argument], {
    env: { DATA_DIR: lost.dataDir },
  });
  expect(finished).toMatchObject({
    code: 0,
    out: expect.stringContaining('warning: the bytes of the unfinished upload'),
  });
});

test.each<[string, { args: string[]; code: number; sentence: string }]>([
  ['nothing', { args: [], code: 64, sentence: 'needs --from and --to' }],
  [
    'a bucket and no store',
    { args: ['--from', '.', '--to', 's3://media'], code: 78, sentence: 'S3_ENDPOINT: is missing' },
  ],
  [
    'some address',
    {
      args: ['--from', '.', '--to', 'https://example.org'],
      code: 64,
      sentence: 'a storage is a data folder, or s3://BUCKET',
    },
  ],
  [
    'the same folder twice',
    { args: ['--from', '/tmp/x', '--to', '/tmp/x/'], code: 1, sentence: 'are the same' },
  ],
])('called with %s it says what is wrong', async (_, { args, code, sentence }) => {
  const finished = await runVeranda(['copy-storage', ...args], { env: { DATA_DIR: site.dataDir } });
  expect(finished).toMatchObject({ code, out: '', err: expect.stringContaining(sentence) });
});
