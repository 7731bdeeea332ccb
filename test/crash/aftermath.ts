// After the last round: all work ends, every video has its end, every file its row, and a start takes the rest away.
import { readdir, readFile, utimes } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { call } from '../support/classic-client.ts';
import type { ServerProcess } from '../support/servers.ts';
import type { Complain } from './checks.ts';
import { compareFiles, countOpenJobs, listFiles, type MediaRow, readSite } from './site.ts';

export interface Aftermath {
  videosReady: number;
  videosFailed: number;
  /** Blobs without a row: a picture is stored before the row that names it is committed. */
  orphans: string[];
}

const IDLE_MS = 90_000;
/** Where a crash may leave something for the sweep. */
const SWEPT = /^(pictures|profile_pictures)\//;

export async function checkAftermath(server: ServerProcess, complain: Complain): Promise<Aftermath> {
  const { base, dataDir } = server;
  await waitForJobs(dataDir, complain);
  const site = await readSite(dataDir);
  const videos = site.media.filter(({ kind, file }) => kind === 'video' && file !== null);
  for (const video of videos) await checkVideo(base, video, complain);
  const { orphans, strayDrafts, missing } = await compareFiles(dataDir, site);
  for (const key of missing) complain(`${key} is in a row and not in the store`);
  for (const draft of strayDrafts) complain(`the draft ${draft} belongs to no upload`);
  for (const key of orphans) if (!SWEPT.test(key)) complain(`${key} belongs to nothing`);
  await checkSweep(server, complain);
  const videosReady = videos.filter(({ readyAt }) => readyAt !== null).length;
  return { videosReady, videosFailed: videos.length - videosReady, orphans };
}

/** The encoder of a killed server ends with it. */
export async function checkNobodyLives(dataDir: string, complain: Complain): Promise<void> {
  if (!existsSync('/proc/self/cmdline')) return;
  const read = (id: string): Promise<string> => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '');
  const areGone = async (): Promise<boolean> => {
    const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return !(await Promise.all(ids.map(read))).some((line) => line.includes(dataDir));
  };
  if (!(await eventually(areGone, 1_000))) complain('a child of the killed server lives on');
}

async function checkVideo(base: string, video: MediaRow, complain: Complain): Promise<void> {
  const { id, file, hls, readyAt, failedAt, failure } = video;
  if ((readyAt === null) === (failedAt === null)) complain(`video ${id} is neither ready nor failed`);
  if (failedAt !== null && !failure) complain(`video ${id} failed without a reason`);
  for (const path of [file, ...(hls ? [`${hls}/master.m3u8`] : [])]) {
    const { status } = await call(base, `/media/${path}`, { method: 'HEAD' });
    if (status !== 200) complain(`${path} of video ${id} answers ${status}`);
  }
}

/** A start takes away what crashes left, once it is old, and nothing else. */
async function checkSweep(server: ServerProcess, complain: Complain): Promise<void> {
  const { dataDir } = server;
  const yesterday = Date.now() / 1_000 - 86_400;
  for (const folder of ['media', 'uploads'])
    for (const file of await listFiles(join(dataDir, folder)))
      await utimes(join(dataDir, folder, file), yesterday, yesterday);
  await server.end('SIGKILL');
  await server.restart();
  await waitForJobs(dataDir, complain);
  const left = await compareFiles(dataDir, await readSite(dataDir));
  for (const key of left.orphans) complain(`${key} was not swept`);
  for (const key of left.missing) complain(`${key} was swept, but a row refers to it`);
}

async function waitForJobs(dataDir: string, complain: Complain): Promise<void> {
  if (!(await eventually(async () => (await countOpenJobs(dataDir)) === 0, IDLE_MS)))
    complain('jobs are left');
}

async function eventually(isSo: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  while (performance.now() < until) {
    if (await isSo()) return true;
    await delay(20);
  }
  return isSo();
}
