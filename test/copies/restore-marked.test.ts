// While a restore copies files, and after one that was cut short, there is no site: no program starts on what it has made so far.
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { openStorage } from '../../src/platform/storage/open.ts';
import type { S3Settings } from '../../src/platform/storage/settings.ts';
import { type Asked, type BadNetwork, startBadNetwork } from '../support/bad-network.ts';
import { type Finished, runVeranda, spawnVeranda } from '../support/commands.ts';
import { databaseSettings, dropDatabase } from '../support/engines.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { ask, onPostgres } from '../support/site-data.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const FILES = ['pictures/a.webp', 'pictures/b.webp'];

let s3: TestS3;
let folder: string;
let backup: string;

beforeAll(async () => {
  s3 = await startS3();
  folder = await mkdtemp(join(tmpdir(), 'veranda-restore-'));
  backup = join(folder, 'backup');
  const source = join(folder, 'source');
  const env = { DATA_DIR: source };
  await runVeranda(['migrate'], { env });
  await ask(source, `insert into users values (1, 'ann', 'ann', 'a', 'a', '', '', '', 'user', 0, null, '')`);
  await mkdir(join(source, 'media/pictures'), { recursive: true });
  for (const key of FILES) await writeFile(join(source, 'media', key), key);
  await runVeranda(['backup', '--to', backup], { env });
});
afterAll(async () => {
  await dropDatabase(join(folder, 'source'));
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

let network: BadNetwork;
let bucket: S3Settings;
let dataDir: string;
let env: Record<string, string>;

beforeEach(async () => {
  network = await startBadNetwork(s3.settings.endpoint);
  bucket = await s3.makeBucket();
  dataDir = join(folder, bucket.bucket);
  env = {
    ...{ ...s3.environment, S3_BUCKET: bucket.bucket },
    ...{ DATA_DIR: dataDir, SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934' },
  };
});
afterEach(async () => {
  await network[Symbol.asyncDispose]();
  await dropDatabase(dataDir);
});

/** Holds back the writing of `key`; `arrived` is when it is asked for. */
function hold(key: string) {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<'pass' | { status: number; code: string }>();
  network.decide(({ method, path }: Asked) => {
    if (method !== 'PUT' || !path.endsWith(key)) return 'pass';
    arrived.resolve();
    return gate.promise;
  });
  return { arrived: arrived.promise, release: gate.resolve };
}

const restoring = () => ({ env: { ...env, S3_ENDPOINT: network.endpoint } });
const restore = (): Promise<Finished> => runVeranda(['restore', '--from', backup], restoring());
/** As far as a start goes before it listens. */
const start = (): Promise<Finished> => runVeranda(['migrate'], { env });
const REFUSED = { code: 1, out: '', err: expect.stringContaining('a copy that is not finished') };

test('a program that starts while files are copied is refused, and the restore comes to its end', async () => {
  const { arrived, release } = hold('b.webp');
  const restored = restore();
  await arrived;
  expect(await start()).toMatchObject(REFUSED);
  release('pass');
  expect(await restored).toMatchObject({ code: 0, err: '' });
  expect(await start()).toMatchObject({ code: 0, err: '' });
  expect(await ask(dataDir, 'select username from users')).toEqual([{ username: 'ann' }]);
});

test('a restore that is killed while it copies files leaves no site that starts, and the next one says what to do', async () => {
  const { arrived, release } = hold('b.webp');
  const options = restoring();
  const child = spawnVeranda(['restore', '--from', backup], {
    env: { ...options.env, ...(await databaseSettings(dataDir)) },
  });
  await arrived;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  release('pass');
  expect(await start()).toMatchObject(REFUSED);
  const { code, err } = await restore();
  expect(code).toBe(1);
  expect(err).toMatch(
    onPostgres ? /cut short .* empty the database, the storage and the data folder/ : /empty data folder/,
  );
});

test('a site that began while a restore made ready is left as it is', async () => {
  const { arrived, release } = hold('/check');
  const restored = restore();
  await arrived;
  expect(await start()).toMatchObject({ code: 0 });
  release('pass');
  expect(await restored).toMatchObject({ code: 1, err: expect.stringContaining('is not empty') });
  expect(await start()).toMatchObject({ code: 0 });
  expect(await ask(dataDir, 'select username from users')).toEqual([]);
});

test('a restore that fails removes nothing when its mark is gone', async () => {
  const { arrived, release } = hold('b.webp');
  const restored = restore();
  await arrived;
  await using storage = await openStorage(bucket);
  await vi.waitUntil(() => storage.blobs.open('pictures/a.webp'), { timeout: 30_000 });
  await ask(dataDir, 'drop table copy_progress');
  release({ status: 403, code: 'AccessDenied' });
  expect(await restored).toMatchObject({ code: 1 });
  expect(await storage.blobs.open('pictures/a.webp')).toBeDefined();
  expect(await start()).toMatchObject({ code: 0 });
  expect(await ask(dataDir, 'select username from users')).toEqual([]);
  expect(await readdir(dataDir)).not.toEqual([]);
});
