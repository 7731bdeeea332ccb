// Every call of every writing request fails once: the request is refused without a word of the inside, nothing is done by
// half, nothing stays locked, and the same request succeeds afterwards.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Answer, call, join, type Person, say } from '../support/classic-client.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import {
  failFiles,
  failStatements,
  type Fault,
  type FaultKind,
  type FaultOptions,
  SECRET,
} from './faults.ts';
import { ask, onPostgres } from '../support/site-data.ts';
import { createScript, type Step } from './script.ts';
import { findContradictions, listOpenFiles, readSeen } from './state.ts';

// Each of these is some hundred requests.
vi.setConfig({ testTimeout: 240_000 });

const KINDS: FaultKind[] = ['before', 'after', 'lasting'];
/** A lease on an upload that could not be given back ends by itself after 30 s. */
const LEASE_MS = 31_000;
const MOST_CALLS = 60;
const SENTENCES = [
  'Something went wrong on the server.',
  'Another request is writing to this upload. Please try again.',
];

let server: TestServer;
let passed = 0;

beforeEach(async () => {
  server = await startServer({}, { now: () => Date.now() + passed });
  // What jobs do would count among the calls of requests.
  await server.app.worker.stop();
});
afterEach(() => server[Symbol.asyncDispose]());

interface Trial {
  step: Step;
  kind: FaultKind;
  set: (options: FaultOptions) => Fault;
  /** A refusal is certain to have changed nothing. */
  certain: boolean;
}

/** Answers how many calls the request made. */
async function failEachCall({ step, kind, set, certain }: Trial): Promise<number> {
  const { dataDir } = server;
  for (let nth = 1; nth <= MOST_CALLS; nth += 1) {
    const what = `${step.name}, call ${nth}`;
    const request = await step.prepare();
    const before = await readSeen(dataDir);
    const { answer, struck } = await during(set({ dataDir, nth, kind }), request);
    expect(await findContradictions(dataDir), what).toEqual([]);
    await expect.poll(() => listOpenFiles(dataDir), { message: what }).toEqual([]);
    if (!struck) {
      expect(answer.status, what).toBeLessThan(300);
      return nth - 1;
    }
    // Not every call is needed: whose token it is can be asked again.
    if (answer.status < 300) continue;
    expectRefusal(answer, what);
    if (certain) expect(await readSeen(dataDir), what).toEqual(before);
    passed += LEASE_MS;
    const again = await request();
    expect(await findContradictions(dataDir), what).toEqual([]);
    // Where the first may have been carried out although it was refused, the second may be told so.
    expect(again.status, `${what}, again: ${again.text}`).toBeLessThan(certain ? 300 : 500);
  }
  throw new Error(`${step.name} never passed`);
}

async function during<T>(set: Fault, work: () => Promise<T>): Promise<{ answer: T; struck: boolean }> {
  using fault = set;
  return { answer: await work(), struck: fault.struck };
}

function expectRefusal({ status, json, text }: Answer, what: string): void {
  expect([500, 503], `${what}: ${text}`).toContain(status);
  expect(SENTENCES, what).toContain(json.error ?? json.detail);
  expect(text, what).not.toContain(SECRET);
}

test.each(KINDS)('a database whose calls fail (%s) leaves nothing half done', async (kind) => {
  for (const step of await createScript(server)) {
    const certain = kind !== 'after' && !step.goesOn;
    const calls = await failEachCall({ step, kind, set: failStatements, certain });
    expect(calls, step.name).toBeGreaterThanOrEqual(4);
  }
});

// Which database it is has no part in this.
test.each(onPostgres ? [] : KINDS)(
  'a file system whose calls fail (%s) leaves nothing half done',
  async (kind) => {
    let calls = 0;
    for (const step of await createScript(server))
      calls += await failEachCall({ step, kind, set: failFiles, certain: false });
    // Pictures of posts and of profiles, pieces of uploads and their end.
    expect(calls).toBeGreaterThanOrEqual(20);
  },
);

test.each(KINDS)('of several at once, each is told what became of it (%s)', async (kind) => {
  const { base, dataDir } = server;
  const people = await Promise.all(Array.from({ length: 3 }, () => join(base)));
  const [author] = people as [Person];
  for (let nth = 1, struck = true; struck; nth += 1) {
    const postId = await say(base, author, 'for all to like');
    const like = ({ access: token }: Person) =>
      call(base, `/api/posts/post/${postId}/like/`, { method: 'PUT', token });
    const likeAll = () => Promise.all(people.map(like));
    const told = await during(failStatements({ dataDir, nth, kind }), likeAll);
    struck = told.struck;
    const liked = await ask<{ id: number }>(
      dataDir,
      'select profile_id as id from likes where post_id = ?',
      postId,
    );
    const acknowledged = people.filter((_, index) => told.answer[index]?.status === 200);
    const ids = liked.map(({ id }) => id);
    expect(ids, `call ${nth}`).toEqual(expect.arrayContaining(acknowledged.map(({ id }) => id)));
    if (kind !== 'after') expect(ids, `call ${nth}`).toHaveLength(acknowledged.length);
    expect(await findContradictions(dataDir)).toEqual([]);
    expect((await likeAll()).map(({ status }) => status)).toEqual(people.map(() => 200));
    expect(await findContradictions(dataDir)).toEqual([]);
  }
});
