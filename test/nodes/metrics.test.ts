// The metrics count what was done, in Prometheus' format, and nobody from outside makes more series of them.
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openMetrics } from '../../src/platform/metrics/open.ts';
import type { Metrics } from '../../src/platform/metrics/metrics.ts';
import { call, form, join, type Person, say, sendChunk } from '../support/classic-client.ts';
import { runVeranda } from '../support/commands.ts';
import { ask, databaseSettings, onPostgres } from '../support/engines.ts';
import { listen } from '../support/likes-socket.ts';
import { rawRequest, sendRaw } from '../support/raw-http.ts';
import { startRedis } from '../support/redis.ts';
import { spawnServer, startServer, type TestServer } from '../support/servers.ts';
import { makeVideo } from '../support/videos.ts';

vi.setConfig({ testTimeout: 60_000 });

let metrics: Metrics;
let server: TestServer;
let ann: Person;
beforeAll(async () => {
  metrics = await openMetrics({ isOn: true });
  server = await startServer({}, { metrics });
  ann = await join(server.base);
});
afterAll(() => server[Symbol.asyncDispose]());

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const NUMBER = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN|Nan)$/i;

/** The text format, strictly: each family has its help and type before its samples, and no series comes twice. */
function parse(text: string): Sample[] {
  const types = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const meta = /^# (HELP|TYPE) ([a-z_:][\w:]*) (.+)$/i.exec(line);
    if (meta) {
      if (meta[1] === 'TYPE') types.set(meta[2] ?? '', meta[3] ?? '');
      continue;
    }
    const match = /^([a-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    expect(match, line).not.toBeNull();
    const [, name = '', inside = '', value = ''] = match ?? [];
    expect(value, line).toMatch(NUMBER);
    const labels = [...inside.matchAll(/([a-z_]\w*)="((?:[^"\\\n]|\\.)*)"(?:,|$)/gi)];
    expect(labels.map(([whole]) => whole).join(''), line).toBe(inside);
    const family = types.has(name) ? name : name.replace(/_(?:bucket|sum|count)$/, '');
    expect(types.get(family), line).toMatch(/^(counter|gauge|histogram|summary)$/);
    if (types.get(family) === 'counter' && name.startsWith('veranda_')) expect(name).toMatch(/_total$/);
    expect(seen.has(`${name}{${inside}}`), line).toBe(false);
    seen.add(`${name}{${inside}}`);
    samples.push({
      ...{ name, value: Number(value) },
      labels: Object.fromEntries(labels.map(([, key, content]) => [key, content])),
    });
  }
  return samples;
}

const scrape = async (): Promise<Sample[]> => parse((await metrics.write()).text);

function sum(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number {
  const fits = (sample: Sample): boolean =>
    sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
  return samples.filter(fits).reduce((all, { value }) => all + value, 0);
}

/** What `work` adds to the sum of these series. */
async function growth(
  series: readonly [name: string, labels?: Record<string, string>],
  work: () => Promise<unknown>,
): Promise<number> {
  const before = sum(await scrape(), ...series);
  await work();
  return sum(await scrape(), ...series) - before;
}

const REQUESTS = 'veranda_http_request_duration_seconds_count';

test('requests count by method, route and status', async () => {
  const ok = { method: 'GET', route: '/api/users/author/', status: '200' };
  const get = (token?: string) =>
    call(server.base, '/api/users/author/', token === undefined ? {} : { token });
  expect(await growth([REQUESTS, ok], async () => get(ann.access))).toBe(1);
  expect(await growth([REQUESTS, { ...ok, status: '401' }], async () => get())).toBe(1);
  const time = 'veranda_http_request_duration_seconds_sum';
  expect(sum(await scrape(), time, { route: ok.route })).toBeGreaterThan(0);
});

test('hostile paths, methods, hosts and headers make no series of their own', async () => {
  await server.app.worker.idle();
  // Those of the process come as they will: another kind of garbage collection is another series.
  const series = async (): Promise<string[]> =>
    (await scrape())
      .filter(({ name }) => name.startsWith('veranda_'))
      .map(({ name, labels }) => `${name} ${JSON.stringify(labels)}`);
  const attack = async (round: string): Promise<void> => {
    for (let n = 0; n < 40; n += 1) {
      await fetch(`${server.base}/nothing/${round}-${n}?q=${n}`);
      await fetch(`${server.base}/api/posts/post/${n}${round.length}/`);
      await fetch(`${server.base}/media/${round}/${n}.jpg`);
      await call(server.base, '/api/users/user/token/', { body: form({ username: `${round}${n}` }) });
    }
    for (const method of ['PROPFIND', 'PURGE', 'MKCOL', 'BREW', 'REPORT', 'LOCK', 'TRACE', 'LINK'])
      for (const path of ['/', `/${round}`, '/api/posts/', '*'])
        await sendRaw(server.base, rawRequest(`${method} ${path} HTTP/1.1`));
    const bad = ['Host: elsewhere.example', `X-Request-Id: ${round}${'y'.repeat(20)}`];
    await sendRaw(server.base, rawRequest(`GET /${round} HTTP/1.1`, bad));
  };
  await attack('first');
  const after = await series();
  await attack('second');
  await attack('third');
  expect((await series()).filter((one) => !after.includes(one))).toEqual([]);
  const methods = new Set((await scrape()).flatMap(({ labels }) => labels['method'] ?? []));
  for (const method of methods) expect(method).toMatch(/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other)$/);
});

test('transactions, messages of the bus, sockets and frames', async () => {
  using listener = await listen(server.base);
  expect(sum(await scrape(), 'veranda_sockets_open', { channel: 'likes' })).toBe(1);
  const postID = await say(server.base, ann, 'counted');
  const like = async (): Promise<void> => {
    await call(server.base, '/api/posts/post/add/like/', { token: ann.access, body: { postID } });
    await listener.until(({ post_id, post }) => post_id === postID && post.likes.length === 1);
  };
  const before = await scrape();
  await like();
  const after = await scrape();
  const grown = (name: string, labels?: Record<string, string>): number =>
    sum(after, name, labels) - sum(before, name, labels);
  expect(
    grown('veranda_database_transaction_duration_seconds_count', { outcome: 'committed' }),
  ).toBeGreaterThan(0);
  expect(grown('veranda_bus_published_total', { topic: 'posts' })).toBe(1);
  expect(grown('veranda_bus_received_total', { topic: 'posts' })).toBeGreaterThan(0);
  expect(grown('veranda_socket_frames_total', { outcome: 'sent' })).toBeGreaterThan(0);
  listener[Symbol.dispose]();
  await expect.poll(async () => sum(await scrape(), 'veranda_sockets_open')).toBe(0);
});

test('pieces of uploads and their refusals, the encode that comes of them, and its job', async () => {
  const recipe = { directory: server.dataDir, seconds: 1, width: 64, height: 64 };
  const movie = await readFile(await makeVideo({ ...recipe, sound: 'none' }));
  const pieces = ['veranda_upload_pieces_total', { outcome: 'taken' }] as const;
  const send = (offset: string) =>
    sendChunk(server.base, ann, { filename: 'one.mp4', bytes: movie, fields: { offset } });
  const before = await scrape();
  let videoID = 0;
  expect(
    await growth(pieces, async () => {
      videoID = (await send('0')).json.id;
    }),
  ).toBe(1);
  await send(String(movie.length * 3));
  const after = await scrape();
  expect(sum(after, 'veranda_upload_bytes_total') - sum(before, 'veranda_upload_bytes_total')).toBe(
    movie.length,
  );
  expect(sum(after, 'veranda_upload_pieces_total', { outcome: 'offset_mismatch' })).toBe(1);
  const body = { postID: await say(server.base, ann, 'a video'), videoID };
  const finalize = '/api/posts/post/add/media/video/finalize/';
  expect((await call(server.base, finalize, { token: ann.access, body })).status).toBe(200);
  await server.app.worker.idle();
  const encoded = await scrape();
  expect(sum(encoded, 'veranda_encode_duration_seconds_count', { outcome: 'done' })).toBe(1);
  const job = { kind: 'transcode', outcome: 'done' };
  expect(sum(encoded, 'veranda_job_duration_seconds_count', job)).toBe(1);
  expect(sum(encoded, 'veranda_encodes_running')).toBe(0);
});

test('jobs that ran, what is in the queue, the process and its loop', async () => {
  const own = await openMetrics({ isOn: true });
  await using busy = await startServer({}, { metrics: own });
  await busy.app.worker.idle();
  const insert = 'insert into jobs (kind, payload, run_at, max_attempts, created_at, dead_at) values';
  const at = Date.now() - 60_000;
  await ask(
    busy.dataDir,
    `${insert} ('unknown', '{}', ?, 1, 0, null), ('unknown', '{}', ?, 1, 0, 1)`,
    at,
    at,
  );
  await ask(busy.dataDir, `${insert} ('unknown', '{}', ?, 1, 0, null)`, Date.now() + 600_000);
  const samples = parse((await own.write()).text);
  expect(sum(samples, 'veranda_job_duration_seconds_count', { outcome: 'done' })).toBeGreaterThan(0);
  for (const state of ['waiting', 'dead', 'later'])
    expect(sum(samples, 'veranda_jobs', { kind: 'unknown', state }), state).toBe(1);
  const age = sum(samples, 'veranda_jobs_oldest_waiting_seconds');
  expect(age).toBeGreaterThanOrEqual(60);
  expect(age).toBeLessThan(600);
  expect(sum(samples, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
  expect(sum(samples, 'process_resident_memory_bytes')).toBeGreaterThan(0);
  expect(samples.some(({ name }) => name === 'veranda_database_connections')).toBe(onPostgres);
});

test('what is refused as too often counts under its policy', async () => {
  const own = await openMetrics({ isOn: true });
  await using strict = await startServer({ RATE_LIMIT_FACTOR: '0.001' }, { metrics: own });
  for (let n = 0; n < 12; n += 1) await fetch(`${strict.base}/api/posts/post/search?q=x`);
  const samples = parse((await own.write()).text);
  expect(sum(samples, 'veranda_limits_refused_total', { policy: 'reads-address' })).toBeGreaterThan(0);
});

test('Redis and the gaps that it leaves', async () => {
  await using redis = await startRedis();
  const own = await openMetrics({ isOn: true });
  await using _node = await startServer({ REDIS_URL: redis.url }, { metrics: own });
  const read = async (name: string): Promise<number> => sum(parse((await own.write()).text), name);
  await expect.poll(() => read('veranda_redis_up'), { timeout: 10_000 }).toBe(1);
  await redis.kill();
  await expect.poll(() => read('veranda_redis_up'), { timeout: 10_000 }).toBe(0);
  await redis.start();
  await expect.poll(() => read('veranda_redis_up'), { timeout: 10_000 }).toBe(1);
  await expect.poll(() => read('veranda_bus_gaps_total'), { timeout: 10_000 }).toBeGreaterThan(0);
});

describe('the port of the metrics', () => {
  const baseOf = (lines: readonly string[]): string =>
    /metrics {7}(http:\S+)\/metrics/.exec(lines.join('\n'))?.[1] ?? '';

  test.each(['serve,work', 'work'])('tells of a process whose roles are %s', async (ROLES) => {
    await using site = await spawnServer({ ROLES, METRICS_PORT: '0' });
    const base = baseOf(site.lines);
    const answer = await fetch(`${base}/metrics`);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(parse(await answer.text()).length).toBeGreaterThan(50);
    expect(await (await fetch(`${base}/health`)).json()).toEqual({ status: 'live' });
    expect(await (await fetch(`${base}/ready`)).json()).toMatchObject({
      checks: { database: { status: 'ready' } },
    });
    expect((await fetch(`${base}/`)).status).toBe(404);
    expect((await fetch(`${base}/metrics`, { method: 'POST', body: 'x' })).status).toBe(404);
    expect(await site.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  test('is not on the port of the site, and there is none where it is off', async () => {
    await using site = await spawnServer({ METRICS_PORT: 'off' });
    expect((await fetch(`${site.base}/metrics`)).status).toBe(404);
    expect(site.lines.join('\n')).toContain('metrics       off');
  });

  test('that is named and in use stops the start with one line', async () => {
    await using holder = createServer().listen(0, 'localhost');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address ? String(address.port) : '';
    const env = { DATA_DIR: server.dataDir, ...(await databaseSettings(server.dataDir)) };
    const { code, out, err } = await runVeranda(['serve'], {
      env: { ...env, PORT: '0', METRICS_PORT: port },
    });
    expect(err).toBe(`METRICS_PORT: ${port} on localhost is in use by another program\n`);
    expect([code, out]).toEqual([75, '']);
  });
});
