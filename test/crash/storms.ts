// The crash test: rounds of people writing, a SIGKILL at some moment of it, a start at once, and a look at everything.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerProcess, spawnServer } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';
import { type Aftermath, checkAftermath, checkNobodyLives } from './aftermath.ts';
import { checkRows, checkSessions, checkUploads, checkViews, type Complain } from './checks.ts';
import { addSpare, gather, writeInPeace, writeUntilKilled } from './crowd.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { createRandom } from './random.ts';
import { readDraft, readSite } from './site.ts';

export interface StormReport extends Aftermath {
  rounds: number;
  /** Requests that were answered as done. */
  acknowledged: number;
  /** Requests that a kill left without an answer. */
  inDoubt: number;
  slowestStartMs: number;
}

const START_MS = 3_000;
const VIDEO_EVERY = 4;
const STEPS_IN_PEACE = 30;

/**
 * `seed` is any text; the same one draws the same deeds and moments, though not how far the server got. Throws with the
 * round and everything that was wrong in it.
 */
export async function runStorms(options: {
  rounds: number;
  seed: string;
  print: (line: string) => void;
}): Promise<StormReport> {
  const { rounds, seed, print } = options;
  print(`seed ${seed}`);
  await using server = await spawnServer();
  const ledger = createLedger();
  const random = createRandom(seed);
  const video = await makeSmallVideo();
  const videos: Buffer[] = [];
  let slowestStartMs = 0;
  await gather(server.base, ledger);
  for (let round = 1; round <= rounds; round += 1) {
    const { faults, complain } = collectFaults();
    if (round % VIDEO_EVERY === 1) videos.push(video);
    const storm = { server, ledger, videos, complain, seed: `${seed}/${round}` };
    await writeUntilKilled(storm, 5 + random.int(496));
    await checkNobodyLives(server.dataDir, complain);
    const startMs = await restart(server, complain);
    slowestStartMs = Math.max(slowestStartMs, startMs);
    await check({ server, ledger, complain });
    const { acknowledged, inDoubt } = ledger;
    print(`round ${round}: ${acknowledged} acknowledged, ${inDoubt} in doubt, started in ${startMs} ms`);
    refuse(faults, `seed ${seed}, round ${round}`);
    await addSpare(server.base, ledger, random);
  }
  const { faults, complain } = collectFaults();
  await writeInPeace({ server, ledger, videos, complain, seed: `${seed}/peace` }, STEPS_IN_PEACE);
  // What was in doubt is settled now, and views that were kept before a change must not be shown after it.
  await check({ server, ledger, complain });
  const aftermath = await checkAftermath(server, complain);
  refuse(faults, `seed ${seed}, after all rounds`);
  const { acknowledged, inDoubt } = ledger;
  return { rounds, acknowledged, inDoubt, slowestStartMs, ...aftermath };
}

async function check(options: { server: ServerProcess; ledger: Ledger; complain: Complain }): Promise<void> {
  const { server, ledger, complain } = options;
  const { base, dataDir } = server;
  await checkSessions(base, ledger, complain);
  const site = await readSite(dataDir);
  checkRows(ledger, site, complain);
  await checkUploads(ledger, { site, read: (key) => readDraft(dataDir, key), complain });
  await checkViews(base, ledger.touched, { site, complain });
}

/** Answers the milliseconds it took. Three seconds are enough on a machine that has nothing else to do. */
async function restart(server: ServerProcess, complain: Complain): Promise<number> {
  const startedAt = performance.now();
  await server.restart();
  const ms = Math.round(performance.now() - startedAt);
  const [load = 0] = loadavg();
  if (ms > START_MS * Math.max(1, load / availableParallelism())) complain(`the start took ${ms} ms`);
  return ms;
}

async function makeSmallVideo(): Promise<Buffer> {
  const directory = await mkdtemp(join(tmpdir(), 'veranda-crash-'));
  try {
    return await readFile(await makeVideo({ directory, seconds: 1, width: 320, height: 180, sound: 'mono' }));
  } finally {
    await rm(directory, { recursive: true });
  }
}

function collectFaults(): { faults: string[]; complain: Complain } {
  const faults: string[] = [];
  return { faults, complain: (fault) => void faults.push(fault) };
}

function refuse(faults: readonly string[], when: string): void {
  if (faults.length > 0) throw new Error(`${when}:\n${faults.slice(0, 20).join('\n')}`);
}
