// A site of many processes on plain ground: PostgreSQL, Redis, two nodes that serve, two that work, a balancer before them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Balancer, startBalancer } from './balancer.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { type ServerProcess, spawnServer } from '../support/servers.ts';

export interface Constellation extends AsyncDisposable {
  /** The balancer's address. */
  readonly base: string;
  /** The folder that all nodes keep files in. */
  readonly dataDir: string;
  readonly postgres: TestPostgres;
  readonly redis: TestRedis;
  readonly web: readonly ServerProcess[];
  readonly workers: readonly ServerProcess[];
}

export async function startConstellation(env: Record<string, string> = {}): Promise<Constellation> {
  await using opened = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'veranda-constellation-'));
  opened.defer(() => rm(dataDir, { recursive: true, force: true }));
  const postgres = opened.use(await startPostgres());
  const redis = opened.use(await startRedis());
  const shared = {
    ...{ DATA_DIR: dataDir, DATABASE_URL: postgres.url, REDIS_URL: redis.url },
    SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934',
    // So that the balancer has seen it before a node takes no more connections.
    DRAIN_DELAY: '1s',
    ...env,
  };
  const launch = async (role: string): Promise<ServerProcess> =>
    opened.use(await spawnServer({ ...shared, ROLES: role }));
  // All at once: each may be the one that makes the tables.
  const [first, second, ...workers] = await Promise.all(['serve', 'serve', 'work', 'work'].map(launch));
  if (!first || !second) throw new Error('a node is missing');
  const web = [first, second];
  const balancer: Balancer = opened.use(await startBalancer(web.map(({ base }) => base)));
  const disposal = opened.move();
  return {
    ...{ base: balancer.base, dataDir, postgres, redis, web, workers },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}
