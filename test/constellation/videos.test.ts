// Videos of a site of many processes: each ends ready or failed with a reason, whichever worker dies or sleeps over its work.
import { readdir, readFile, rm } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { checkUploads } from '../crash/checks.ts';
import { gather } from '../crash/crowd.ts';
import { createLedger } from '../crash/ledger.ts';
import { type MediaRow, readRows } from '../crash/site.ts';
import { call, join, say, sendChunk } from '../support/classic-client.ts';
import { lookAtPostgres } from '../support/engines.ts';
import { makeVideoFolder } from '../support/published-videos.ts';
import type { ServerProcess } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';
import { type Constellation, startConstellation } from './constellation.ts';
import { startCrowd } from './crowd.ts';

const PATIENCE = { timeout: 120_000, interval: 50 };

let site: Constellation;
/** Takes a worker a while. */
let film: Buffer;
let clip: Buffer;
beforeAll(async () => {
  const directory = await makeVideoFolder();
  const [long, short] = await Promise.all([
    makeVideo({ directory, name: 'film.mp4', width: 1280, height: 720, seconds: 12 }),
    makeVideo({ directory, name: 'clip.mp4', width: 320, height: 180, seconds: 1 }),
  ]);
  film = await readFile(long);
  clip = await readFile(short);
  await rm(directory, { recursive: true });
  site = await startConstellation();
});
afterAll(() => site[Symbol.asyncDispose]());

const readSite = () => lookAtPostgres(site.postgres.url, readRows);

async function upload(bytes: Buffer): Promise<number> {
  const ann = await join(site.base);
  const postID = await say(site.base, ann, 'a film');
  let id = 0;
  for (let offset = 0; offset < bytes.length; offset += 2 ** 20) {
    const chunk = bytes.subarray(offset, offset + 2 ** 20);
    const fields = { offset: String(offset) };
    const answer = await sendChunk(site.base, ann, { filename: 'film.mp4', bytes: chunk, fields });
    expect(answer.status).toBe(200);
    id = answer.json.id;
  }
  const body = { postID, videoID: id };
  const path = '/api/posts/post/add/media/video/finalize/';
  expect((await call(site.base, path, { token: ann.access, body })).status).toBe(200);
  return id;
}

/** The worker whose encoder is at work, once there is one. */
async function findEncoding(): Promise<ServerProcess> {
  return vi.waitUntil(async () => {
    for (const worker of site.workers) if ((await listSegments(worker)).length > 0) return worker;
    return undefined;
  }, PATIENCE);
}

/** What the encoder of a worker has made so far. */
async function listSegments({ dataDir }: ServerProcess): Promise<string[]> {
  const names = await readdir(joinPath(dataDir, 'work'), { recursive: true }).catch(() => []);
  return names.filter((name) => name.endsWith('.m4s'));
}

async function waitForEnd(id: number): Promise<MediaRow> {
  return vi.waitUntil(async () => {
    const row = (await readSite()).mediaById.get(id);
    return row && (row.readyAt !== null || row.failedAt !== null) ? row : undefined;
  }, PATIENCE);
}

async function listFolders(): Promise<Set<string>> {
  const folders = new Set<string>();
  for await (const { key } of site.storage.blobs.list())
    if (key.startsWith('hls/')) folders.add(key.split('/').slice(0, 2).join('/'));
  return folders;
}

test('a worker that dies over a video leaves it to another, which publishes it', async () => {
  const id = await upload(film);
  const worker = await findEncoding();
  await worker.end('SIGKILL');
  const row = await waitForEnd(id);
  expect(row.failure).toBeNull();
  expect((await fetch(`${site.base}/media/${row.hls}/master.m3u8`)).status).toBe(200);
  await worker.restart();
});

test('a worker that sleeps over a video for too long publishes nothing when it awakes', async () => {
  const id = await upload(film);
  const worker = await findEncoding();
  worker.process.kill('SIGSTOP');
  const row = await waitForEnd(id);
  expect(row.failure).toBeNull();
  worker.process.kill('SIGCONT');
  // It clears away what it has made.
  await vi.waitUntil(async () => (await listSegments(worker)).length === 0, PATIENCE);
  const after = (await readSite()).mediaById.get(id);
  expect(after).toEqual(row);
  await vi.waitUntil(async () => {
    const kept = (await readSite()).media.flatMap(({ hls }) => hls ?? []);
    return kept.toSorted().join() === [...(await listFolders())].toSorted().join();
  }, PATIENCE);
});

test('videos that come under load, while each worker is killed, end ready or failed with a reason', async () => {
  const ledger = createLedger();
  await gather(site.base, ledger);
  const faults: string[] = [];
  const complain = (fault: string): void => void faults.push(fault);
  const videos = Array<Buffer>(8).fill(clip);
  const crowd = startCrowd({ base: site.base, ledger, seed: 'videos', complain, videos });
  for (const worker of site.workers) {
    await crowd.accept(60);
    await worker.end('SIGKILL');
    await crowd.accept(20);
    await worker.restart();
  }
  await vi.waitUntil(() => videos.length === 0, PATIENCE);
  await crowd.accept(60);
  await crowd.stop();
  await checkUploads(ledger, { site: await readSite(), read: site.readDraft, complain });
  const finished = async () => {
    const { media } = await readSite();
    return media.filter(({ kind, file }) => kind === 'video' && file !== null);
  };
  await vi.waitUntil(
    async () => (await finished()).every(({ readyAt, failedAt }) => readyAt !== null || failedAt !== null),
    PATIENCE,
  );
  for (const { id, file, hls, readyAt, failedAt, failure } of await finished()) {
    if ((readyAt === null) === (failedAt === null)) complain(`video ${id} is neither ready nor failed`);
    if (failedAt !== null && !failure) complain(`video ${id} failed without a reason`);
    for (const path of [file, ...(hls ? [`${hls}/master.m3u8`] : [])]) {
      const { status } = await call(site.base, `/media/${path}`, { method: 'HEAD' });
      if (status !== 200) complain(`${path} of video ${id} answers ${status}`);
    }
  }
  expect(faults).toEqual([]);
});
