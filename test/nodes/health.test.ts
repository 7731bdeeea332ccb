// What a node says of itself to balancers and supervisors: true, part by part, soon, and nothing of the inside.
import { rename, rm, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createHealth, type Finding, type Report } from '../../src/platform/health/health.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { call, join, say } from '../support/classic-client.ts';
import { ask } from '../support/engines.ts';
import { startPostgres } from '../support/postgres.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startRedis } from '../support/redis.ts';
import { startS3 } from '../support/s3.ts';
import { spawnServer, startServer, type TestServer } from '../support/servers.ts';

vi.setConfig({ testTimeout: 60_000 });

interface Answer {
  status: number;
  report: Report;
  text: string;
}

async function ready(base: string): Promise<Answer> {
  const answer = await fetch(`${base}/ready`);
  const text = await answer.text();
  return { status: answer.status, report: JSON.parse(text), text };
}

/** Asks until the answer is of this status, and answers how long that took, in milliseconds. */
async function until(base: string, status: Report['status']): Promise<{ answer: Answer; ms: number }> {
  const begun = performance.now();
  for (;;) {
    const answer = await ready(base);
    if (answer.report.status === status) return { answer, ms: performance.now() - begun };
    if (performance.now() - begun > 15_000) throw new Error(`not ${status}: ${answer.text}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});

async function start(env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer(env);
  servers.push(server);
  return server;
}

describe('a node that is well', () => {
  test('says so, to anybody and under any name, whatever the method', async () => {
    const { base } = await start();
    expect(await (await fetch(`${base}/health`)).json()).toEqual({ status: 'live' });
    const { status, report } = await ready(base);
    expect(status).toBe(200);
    for (const part of ['database', 'migrations', 'storage', 'disk', 'draining'])
      expect(report.checks[part]).toEqual({ status: 'ready' });
    expect(Object.keys(report.checks)).toContain('ffmpeg');
    expect((await fetch(`${base}/ready`, { method: 'HEAD' })).status).toBe(200);
    const strange = await sendRaw(base, rawRequest('GET /ready HTTP/1.1', ['Host: 10.1.2.3:8000']));
    expect(strange.status).toBe(200);
  });

  test('is looked at once, however many ask', async () => {
    const look = vi.fn<() => Promise<Finding>>(async () => ({ status: 'ready' }));
    const checks = [{ name: 'part', otherwise: '', look }];
    const health = createHealth({ checks, logger: createLogger('silent') });
    await Promise.all(Array.from({ length: 1_000 }, () => health.report()));
    await health.report();
    expect(look).toHaveBeenCalledTimes(1);
  });
});

describe('a node that is not well says which part it is', () => {
  test('PostgreSQL that is stopped, within 2 s, and is ready again by itself', async () => {
    await using cluster = await startPostgres();
    await using server = await startServer({ DATABASE_URL: cluster.url });
    await join(server.base);
    expect((await ready(server.base)).status).toBe(200);
    await cluster.stop('fast');
    const { answer, ms } = await until(server.base, 'unready');
    expect(ms).toBeLessThan(2_000);
    expect(answer.status).toBe(503);
    expect(answer.report.checks).toMatchObject({
      database: { status: 'unready', reason: 'it does not answer' },
      migrations: { status: 'unready' },
      storage: { status: 'ready' },
    });
    expect(answer.text).not.toMatch(/127\.0\.0\.1|ECONN|postgres|\//);
    await cluster.start();
    await expect.poll(async () => (await ready(server.base)).status, { timeout: 20_000 }).toBe(200);
  });

  test('Redis that is away: the node serves on', async () => {
    await using redis = await startRedis();
    const { base } = await start({ REDIS_URL: redis.url });
    const redisOf = async () => (await ready(base)).report.checks['redis']?.status;
    await expect.poll(redisOf, { timeout: 10_000 }).toBe('ready');
    await redis.kill();
    await expect.poll(redisOf, { timeout: 10_000 }).toBe('degraded');
    const { status, report, text } = await ready(base);
    expect([status, report.status]).toEqual([200, 'degraded']);
    expect(text).not.toMatch(/127\.0\.0\.1|\//);
    await redis.start();
    await expect.poll(redisOf, { timeout: 10_000 }).toBe('ready');
  });

  test('files that cannot be stored', async () => {
    const { base, dataDir } = await start();
    const aside = `${dataDir}-aside`;
    await rename(dataDir, aside);
    onTestFinished(() => rm(aside, { recursive: true, force: true }));
    await writeFile(dataDir, 'no folder');
    const { answer } = await until(base, 'unready');
    expect(answer.status).toBe(503);
    expect(answer.report.checks).toMatchObject({
      storage: { status: 'unready', reason: 'files cannot be stored' },
    });
    expect(answer.text).not.toContain('/');
    await rm(dataDir);
    await rename(aside, dataDir);
    await expect.poll(async () => (await ready(base)).status, { timeout: 10_000 }).toBe(200);
  });

  test('a store of all nodes that is away: words go on', async () => {
    await using s3 = await startS3();
    const { base } = await start(s3.environment);
    const storageOf = async () => (await ready(base)).report.checks['storage']?.status;
    await s3.kill();
    await expect.poll(storageOf, { timeout: 10_000 }).toBe('degraded');
    expect((await ready(base)).status).toBe(200);
    const ann = await join(base);
    expect(await say(base, ann, 'only words')).toBeGreaterThan(0);
    await s3.start();
    await expect.poll(storageOf, { timeout: 10_000 }).toBe('ready');
  });

  test('a disk with less free space than it should have', async () => {
    const { base } = await start({ MIN_FREE_DISK: '900000GB' });
    const { status, report } = await ready(base);
    expect(status).toBe(503);
    expect(report.checks['disk']).toEqual({ status: 'unready', reason: 'too little free space' });
  });

  test('a schema of another program: a newer one is served on, an older one cannot be', async () => {
    const { base, dataDir } = await start();
    await ask(dataDir, 'insert into schema_migrations (number, applied_at) values (?, ?)', 9_999, 0);
    await expect
      .poll(async () => (await ready(base)).report.checks['migrations']?.status, { timeout: 10_000 })
      .toBe('degraded');
    expect((await ready(base)).status).toBe(200);
    await ask(dataDir, 'delete from schema_migrations where number > ?', 1);
    expect((await until(base, 'unready')).answer.report.checks['migrations']).toEqual({
      status: 'unready',
      reason: 'the schema is older than this program',
    });
  });

  test('an ffmpeg that nothing confines, or none that can be run: it serves on', async () => {
    const { base } = await start({ PATH: '/nowhere' });
    const { status, report } = await ready(base);
    expect(status).toBe(200);
    expect(report.checks['ffmpeg']).toMatchObject({ status: 'degraded' });
    expect(report.checks['ffmpeg']?.reason).toMatch(/there is none|nothing limits it/);
  });

  test('a part that never answers is not waited for, and the log alone has the reason of a fault', async () => {
    const lines: string[] = [];
    const logger = createLogger('info', { write: (line) => lines.push(line) });
    const broken = async (): Promise<never> => {
      throw new Error('connect ECONNREFUSED 10.0.0.7:5432');
    };
    const checks = [
      { name: 'store', otherwise: '', look: () => new Promise<never>(() => undefined) },
      { name: 'database', otherwise: 'it does not answer', look: broken },
    ];
    const begun = performance.now();
    const report = await createHealth({ checks, logger }).report();
    expect(performance.now() - begun).toBeLessThan(4_000);
    expect(report).toEqual({
      status: 'unready',
      checks: {
        store: { status: 'unready', reason: 'no answer in time' },
        database: { status: 'unready', reason: 'it does not answer' },
        draining: { status: 'ready' },
      },
    });
    expect(lines.join('')).toContain('10.0.0.7');
  });
});

describe('a node that was told to stop', () => {
  test('says so first, takes requests meanwhile and lets each connection end, then stops', async () => {
    await using site = await spawnServer({ DRAIN_DELAY: '3s' });
    const ann = await join(site.base);
    const ended = site.end('SIGTERM');
    const { answer } = await until(site.base, 'unready');
    expect(answer.status).toBe(503);
    expect(answer.report.checks['draining']).toEqual({
      status: 'unready',
      reason: 'this process is about to stop',
    });
    expect((await fetch(`${site.base}/health`)).status).toBe(200);
    const { status, headers } = await call(site.base, '/api/users/author/', { token: ann.access });
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
    expect(await ended).toEqual({ code: 0, signal: null });
    await expect(fetch(`${site.base}/health`)).rejects.toThrow('fetch failed');
  });

  test('ends at once when it is told again', async () => {
    await using site = await spawnServer({ DRAIN_DELAY: '10m' });
    const ended = site.end('SIGTERM');
    await until(site.base, 'unready');
    site.process.kill('SIGTERM');
    expect(await ended).toEqual({ code: 143, signal: null });
  });
});
