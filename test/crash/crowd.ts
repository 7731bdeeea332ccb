// The people of the crash test: five, each with one request about words and one about files under way.
import { setTimeout as delay } from 'node:timers/promises';
import { call, join as joinSite } from '../support/classic-client.ts';
import type { ServerProcess } from '../support/servers.ts';
import { type Complain, signIn } from './checks.ts';
import { cell, type Ledger, type Writer } from './ledger.ts';
import { createRandom, type Random } from './random.ts';
import { send } from './senders.ts';
import { act, type Scene, UnexpectedAnswer } from './writers.ts';

const PEOPLE = 5;

export async function gather(base: string, ledger: Ledger): Promise<void> {
  for (let place = 0; place < PEOPLE; place += 1) {
    const person = await joinSite(base);
    const own = await call(base, '/api/users/author/', { token: person.access });
    ledger.writers.push({
      ...person,
      refreshSentAt: undefined,
      follows: new Map(),
      picture: cell(own.json.profile_picture),
      spares: [await makeSpare(base, person)],
      upload: undefined,
      closedUploads: [],
    });
  }
}

/** A session for the next round to end; a sign-in costs a password hash, so one at a time. */
export async function addSpare(base: string, ledger: Ledger, random: Random): Promise<void> {
  const writer = random.pick(ledger.writers);
  if (writer && writer.spares.length < 2) writer.spares.push(await makeSpare(base, writer));
}

export interface Storm {
  server: ServerProcess;
  ledger: Ledger;
  seed: string;
  /** What whoever begins an upload takes first. */
  videos: Buffer[];
  complain: Complain;
}

/** Everybody writes until the server is gone, `afterMs` from now. */
export async function writeUntilKilled(storm: Storm, afterMs: number): Promise<void> {
  const kill = new AbortController();
  const running = openLanes(storm).map((step) => repeat(step, { until: kill.signal, ...storm }));
  await delay(afterMs);
  kill.abort();
  await storm.server.end('SIGKILL');
  await Promise.all(running);
}

/** Everybody takes so many steps, and every request gets its answer. */
export async function writeInPeace(storm: Storm, steps: number): Promise<void> {
  const walk = async (step: () => Promise<void>): Promise<void> => {
    for (let taken = 0; taken < steps; taken += 1) await step();
  };
  await Promise.all(openLanes(storm).map(walk)).catch((error: unknown) => storm.complain(String(error)));
}

function openLanes({ server, ledger, seed, videos }: Storm): (() => Promise<void>)[] {
  let names = 0;
  ledger.touched.clear();
  return ledger.writers.flatMap((writer) => {
    const open = (lane: string): Scene => ({
      base: server.base,
      ...{ ledger, writer },
      random: createRandom(`${seed}/${writer.username}/${lane}`),
      name: () => `${seed.replaceAll(/\W/g, '-')}-${(names += 1)}`,
    });
    const [words, files] = [open('words'), open('files')];
    return [() => act(words), () => send(files, videos)];
  });
}

/** A cut connection is right only once the server is being killed. */
async function repeat(
  step: () => Promise<void>,
  { until, complain }: { until: AbortSignal; complain: Complain },
): Promise<void> {
  while (!until.aborted) {
    try {
      await step();
    } catch (error) {
      if (error instanceof UnexpectedAnswer) complain(error.message);
      else if (!until.aborted) complain(`a request failed before the kill: ${String(error)}`);
    }
  }
}

const makeSpare = async (base: string, person: Pick<Writer, 'username' | 'password'>) => ({
  ...(await signIn(base, person)),
  ended: cell(false),
});
