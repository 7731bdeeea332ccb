// The same seeded requests, one after the other, to a site on SQLite and at once to one on PostgreSQL: every answer is the same.
// DIFFERENTIAL_CALLS and DIFFERENTIAL_SEED ask for more and others.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { expect, test } from 'vitest';
import { createRandom } from '../crash/random.ts';
import type { Injection } from '../generated/injections.ts';
import { readRoute, type Route } from '../generated/requests.ts';
import { startServer, type TestServer } from '../support/servers.ts';
import { draw, drawOdd, type Known, learn, type Told, toRequest } from './steps.ts';
import { createTwins } from './twins.ts';

const calls = Number(process.env['DIFFERENTIAL_CALLS'] ?? 10_000);
const seed = process.env['DIFFERENTIAL_SEED'] ?? 'veranda';

test(`${calls} requests with the seed ${seed} are answered alike`, async () => {
  const folder = await mkdtemp(joinPath(tmpdir(), 'veranda-differential-'));
  let clock = Date.UTC(2026, 0, 1);
  const env = {
    SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934',
    RATE_LIMIT_FACTOR: '1000000',
    BODY_TIMEOUT: '1h',
  };
  const routes: Route[] = [];
  const start = async (more: Record<string, string>): Promise<TestServer> => {
    const server = await startServer(
      { ...env, ...more },
      { now: () => clock, onRoute: (route) => routes.push(...readRoute(route)) },
    );
    // What jobs do comes at a time of its own.
    await server.app.worker.stop();
    return server;
  };
  try {
    await using sqlite = await start({ DATABASE_URL: `sqlite:${joinPath(folder, 'veranda.db')}` });
    const declared = routes.filter(
      ({ url, params, query, body, form }) => url.startsWith('/api/') && (params ?? query ?? body ?? form),
    );
    await using postgres = await start({});
    expect([sqlite, postgres].map(({ app }) => app.report.database.split(' ')[0])).toEqual([
      'SQLite',
      'PostgreSQL',
    ]);
    const random = createRandom(seed);
    const known: Known = { posts: [], comments: [], replies: [], media: [], tokens: [], names: [] };
    const statuses = new Map<number, number>();
    const twins = createTwins();
    for (let turn = 0; turn < calls; turn += 1) {
      clock += random.chance(0.01) ? 60_000 : random.int(3) * 7;
      const request = random.chance(0.25)
        ? await drawOdd(random, { declared, known })
        : await toRequest(draw(random, known));
      const [one, other] = await Promise.all([ask(sqlite, request), ask(postgres, twins.translate(request))]);
      expect(
        { ...other, body: twins.withoutSessions(other.body) },
        `request ${turn}: ${request.method} ${request.url} ${(request.payload ?? '').toString().slice(0, 300)}`,
      ).toEqual({ ...one, body: twins.withoutSessions(one.body) });
      twins.learn(one.body, other.body);
      statuses.set(one.status, (statuses.get(one.status) ?? 0) + 1);
      learn(known, request, one);
    }
    // Not one long list of refusals.
    expect((statuses.get(200) ?? 0) + (statuses.get(201) ?? 0)).toBeGreaterThan(calls / 2);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 600_000);

/** Random keys are told apart by the order in which they come, which is the same in both answers. */
async function ask({ app }: TestServer, request: Injection): Promise<Told> {
  const { statusCode: status, body } = await app.server.inject(request);
  const keys = new Map<string, string>();
  const plain = body.replaceAll(/\b[0-9a-f]{32}\b/g, (key) => {
    const name = keys.get(key) ?? `key ${keys.size}`;
    keys.set(key, name);
    return name;
  });
  return { status, body: plain };
}
