// Many processes that are one site to people: what one node took, another one goes on with, and whichever of them dies, nothing
// that was answered is lost or doubled.
import { availableParallelism, constants, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkRows, checkSessions, checkUploads, checkViews } from '../crash/checks.ts';
import { gather } from '../crash/crowd.ts';
import { createLedger, type Ledger } from '../crash/ledger.ts';
import { readRows } from '../crash/site.ts';
import { call, join, say, sendChunk } from '../support/classic-client.ts';
import { lookAtPostgres } from '../support/engines.ts';
import { listen } from '../support/likes-socket.ts';
import { type Constellation, startConstellation } from './constellation.ts';
import { type Crowd, startCrowd } from './crowd.ts';
import { holdLeases } from './leases.ts';

/** Milliseconds until a node is ready again and what a dead one held is free: three seconds, where processors are not shared with others. */
const soon = (): number => 3_000 * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());

let site: Constellation;
beforeAll(async () => {
  site = await startConstellation();
});
afterAll(() => site[Symbol.asyncDispose]());

const nodes = (): [string, string] => [site.web[0]?.base ?? '', site.web[1]?.base ?? ''];

describe('two nodes are one site', () => {
  test('a like on one reaches a socket on the other', async () => {
    const [a, b] = nodes();
    const ann = await join(a);
    const postID = await say(a, ann, 'for both');
    using listener = await listen(b);
    await call(a, '/api/posts/post/add/like/', { token: ann.access, body: { postID } });
    await listener.until((frame) => frame.post_id === postID);
    expect(listener.frames.at(-1)?.post.likes).toMatchObject([{ id: ann.id }]);
  });

  test('who signs out on one is out on the other at once', async () => {
    const [a, b] = nodes();
    const ann = await join(a);
    const body = { accessToken: ann.access, refreshToken: ann.refresh };
    expect((await call(b, '/api/users/author/', { token: ann.access })).status).toBe(200);
    expect((await call(a, '/api/users/user/logout/', { token: ann.access, body })).status).toBe(200);
    expect((await call(b, '/api/users/author/', { token: ann.access })).status).toBe(401);
    const refresh = await call(b, '/api/users/user/token/refresh/', { body: { refresh: ann.refresh } });
    expect(refresh.status).toBe(401);
  });

  test('the pieces of an upload may come to either, and its bytes are those that were sent', async () => {
    const ann = await join(site.base);
    const pieces = Array.from({ length: 8 }, (_, index) => Buffer.alloc(100_000, index + 1));
    let sent = 0;
    for (const [index, bytes] of pieces.entries()) {
      const node = nodes()[index % 2] ?? '';
      const answer = await sendChunk(node, ann, {
        filename: 'both.mp4',
        bytes,
        fields: { offset: String(sent) },
      });
      expect(answer.status).toBe(200);
      sent += bytes.length;
    }
    const { uploads } = await lookAtPostgres(site.postgres.url, readRows);
    const upload = uploads.find(({ owner, label }) => owner === ann.id && label === 'both.mp4');
    expect(upload?.offset).toBe(sent);
    expect((await site.readDraft(upload?.draft ?? '')).equals(Buffer.concat(pieces))).toBe(true);
  });

  test('of two pieces for one place that come to both at once one is taken', async () => {
    const ann = await join(site.base);
    for (let round = 0; round < 10; round += 1) {
      const filename = `race ${round}.mp4`;
      const candidates = [Buffer.alloc(200_000, 1), Buffer.alloc(200_000, 2)];
      const answers = await Promise.all(
        candidates.map((bytes, index) =>
          sendChunk(nodes()[index] ?? '', ann, { filename, bytes, fields: { offset: '0' } }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
      const winner = candidates[answers.findIndex(({ status }) => status === 200)];
      const { uploads } = await lookAtPostgres(site.postgres.url, readRows);
      const upload = uploads.find(({ owner, label }) => owner === ann.id && label === filename);
      expect((await site.readDraft(upload?.draft ?? '')).equals(winner ?? Buffer.alloc(0))).toBe(true);
    }
  });

  test('an upload whose writer was killed goes on at the other node at once', async () => {
    const [a, b] = nodes();
    const ann = await join(b);
    const piece = { filename: 'orphan.mp4', bytes: Buffer.alloc(300_000, 7) };
    const read = async () => {
      const { uploads } = await lookAtPostgres(site.postgres.url, readRows);
      return uploads.find(({ owner, label }) => owner === ann.id && label === piece.filename);
    };
    const held = await holdLeases(site.postgres.url);
    const unanswered = sendChunk(a, ann, { ...piece, fields: { offset: '0' } }).catch(() => undefined);
    await held.until(1);
    await site.web[0]?.end('SIGKILL');
    await unanswered;
    await held.letGo();
    const begun = performance.now();
    expect((await sendChunk(b, ann, { ...piece, fields: { offset: '0' } })).status).toBe(200);
    expect(performance.now() - begun).toBeLessThan(soon());
    const upload = await read();
    expect(upload?.offset).toBe(piece.bytes.length);
    expect((await site.readDraft(upload?.draft ?? '')).equals(piece.bytes)).toBe(true);
    await site.web[0]?.restart();
  });

  test('of likes that come to both at once each counts once', async () => {
    const [a, b] = nodes();
    const people = await Promise.all([join(a), join(b), join(a), join(b)]);
    const [ann] = people;
    const postID = await say(a, ann as (typeof people)[number], 'liked from everywhere');
    await Promise.all(
      people.flatMap(({ access: token }) =>
        nodes().map((node) => call(node, `/api/posts/post/${postID}/like/`, { method: 'PUT', token })),
      ),
    );
    const { posts, likes, damage } = await lookAtPostgres(site.postgres.url, readRows);
    expect(posts.some(({ id }) => id === postID)).toBe(true);
    expect(likes.filter(({ post }) => post === postID)).toHaveLength(4);
    expect(damage).toEqual([]);
  });
});

test('what may be done so and so often is counted over both nodes', async () => {
  const env = { RATE_LIMIT_FACTOR: '0.01', REDIS_PREFIX: 'limited' };
  const [a, b] = await Promise.all([site.launch('serve', env), site.launch('serve', env)]);
  const ann = await join(site.base);
  const statuses: number[] = [];
  for (let n = 0; n < 90; n += 1) {
    const { base } = n % 2 === 0 ? a : b;
    statuses.push((await call(base, '/api/users/author/', { token: ann.access })).status);
  }
  // 75 reads of one sign-in.
  expect(statuses).toEqual([...Array<number>(75).fill(200), ...Array<number>(15).fill(429)]);
});

describe('whatever dies under load', () => {
  let ledger: Ledger;
  let crowd: Crowd;
  let readyAfter = Number.NaN;
  const faults: string[] = [];
  const complain = (fault: string): void => void faults.push(fault);

  beforeAll(async () => {
    ledger = createLedger();
    await gather(site.base, ledger);
  });

  async function check(): Promise<void> {
    const { base, postgres, readDraft } = site;
    await checkSessions(base, ledger, complain);
    const rows = await lookAtPostgres(postgres.url, readRows);
    checkRows(ledger, ignoringStrangers(rows), complain);
    await checkUploads(ledger, { site: rows, read: readDraft, complain });
    await checkViews(base, ledger.touched, { site: rows, complain });
    expect(faults).toEqual([]);
  }

  /** Posts of the tests above. */
  function ignoringStrangers(rows: Awaited<ReturnType<typeof readRows>>): typeof rows {
    const ours = new Set(ledger.writers.map(({ id }) => id));
    return { ...rows, posts: rows.posts.filter(({ author }) => ours.has(author)) };
  }

  /** Does `harm` while people write, and waits until they get on again; answers how long that took, in milliseconds. */
  async function survive(seed: string, harm: () => Promise<void>): Promise<number> {
    faults.length = 0;
    crowd = startCrowd({ base: site.base, ledger, seed, complain });
    await crowd.accept(30);
    await harm();
    const begun = performance.now();
    await crowd.accept(1);
    const recovered = performance.now() - begun;
    await crowd.accept(30);
    await crowd.stop();
    await check();
    return recovered;
  }

  const killed = [
    ['a node that serves', async () => restart(0, 'web')],
    ['the other node that serves', async () => restart(1, 'web')],
    ['a node that works', async () => restart(0, 'workers')],
    ['the other node that works', async () => restart(1, 'workers')],
  ] as const;

  async function restart(place: number, kind: 'web' | 'workers'): Promise<void> {
    const node = site[kind][place];
    await node?.end('SIGKILL');
    await crowd.accept(10);
    const begun = performance.now();
    await node?.restart();
    readyAfter = performance.now() - begun;
  }

  test.each(killed)('%s (kill -9)', async (name, harm) => {
    expect(await survive(`kill ${name}`, harm)).toBeLessThan(10_000);
    expect(readyAfter).toBeLessThan(soon());
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('a node that is told twice to end (%s)', async (signal) => {
    let ended: { code?: number | null; after?: number } = {};
    const recovered = await survive(`twice ${signal}`, async () => {
      const [node] = site.web;
      node?.process.kill(signal);
      await crowd.accept(3);
      const begun = performance.now();
      ended = { ...(await node?.end(signal)), after: performance.now() - begun };
      await node?.restart();
    });
    // 0 where it was done before it heard the second one.
    expect([0, 128 + constants.signals[signal]]).toContain(ended.code);
    expect(ended.after).toBeLessThan(soon());
    expect(recovered).toBeLessThan(10_000);
  });

  test.each(['fast', 'immediate'] as const)('PostgreSQL (stopped %s)', async (mode) => {
    const recovered = await survive(`postgres ${mode}`, async () => {
      await site.postgres.stop(mode);
      await delay(1_000);
      await site.postgres.start();
    });
    expect(recovered).toBeLessThan(10_000);
  });

  test('the S3 store, for some seconds', async () => {
    const recovered = await survive('s3', async () => {
      await site.s3.kill();
      const down = crowd.accepted();
      // Words need no store.
      await crowd.accept(30);
      expect(crowd.accepted()).toBeGreaterThanOrEqual(down + 30);
      await delay(3_000);
      await site.s3.start();
    });
    expect(recovered).toBeLessThan(10_000);
    const ann = await join(site.base);
    const begun = performance.now();
    await expect
      .poll(
        async () => {
          const chunk = { filename: 'after.mp4', bytes: Buffer.from('x'), fields: { offset: '0' } };
          return (await sendChunk(site.base, ann, chunk)).status;
        },
        { timeout: 10_000 },
      )
      .toBe(200);
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test('Redis, for ten seconds', async () => {
    const recovered = await survive('redis', async () => {
      await site.redis.kill();
      const down = crowd.accepted();
      await delay(10_000);
      // Writes go on without it.
      expect(crowd.accepted()).toBeGreaterThan(down + 30);
      await site.redis.start();
    });
    expect(recovered).toBeLessThan(10_000);
    const [a, b] = nodes();
    const ann = await join(a);
    const postID = await say(a, ann, 'after all');
    using listener = await listen(b);
    await expect
      .poll(
        async () => {
          for (const method of ['PUT', 'DELETE'])
            await call(a, `/api/posts/post/${postID}/like/`, { method, token: ann.access });
          return listener.frames.some((frame) => frame.post_id === postID);
        },
        { timeout: 10_000 },
      )
      .toBe(true);
  });
});

test('a node that is asked to stop under load fails nobody', async () => {
  const ledger = createLedger();
  await gather(site.base, ledger);
  const faults: string[] = [];
  const crowd = startCrowd({
    base: site.base,
    ledger,
    seed: 'rolling',
    complain: (fault) => faults.push(fault),
    strict: true,
  });
  await crowd.accept(30);
  for (const node of site.web) {
    expect(await node.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await crowd.accept(20);
    await node.restart();
    await crowd.accept(20);
  }
  await crowd.stop();
  expect(faults).toEqual([]);
});
