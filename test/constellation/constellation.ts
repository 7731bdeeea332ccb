// A site of many processes on plain ground: PostgreSQL, Redis, an S3 store, two nodes that serve, two that work, a balancer
// before them. Each process has a data folder of its own; nothing but the three stores is shared.
import { buffer } from 'node:stream/consumers';
import { openStorage } from '../../src/platform/storage/open.ts';
import type { Storage } from '../../src/platform/storage/storage.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startRedis, type TestRedis } from '../support/redis.ts';
import { startS3, type TestS3 } from '../support/s3.ts';
import { type ServerProcess, spawnServer } from '../support/servers.ts';
import { type Balancer, startBalancer } from './balancer.ts';

export interface Constellation extends AsyncDisposable {
  /** The balancer's address. */
  readonly base: string;
  readonly postgres: TestPostgres;
  readonly redis: TestRedis;
  readonly s3: TestS3;
  /** A look into the bucket, past all nodes. */
  readonly storage: Storage;
  readonly web: readonly ServerProcess[];
  readonly workers: readonly ServerProcess[];
  /** One more process of the site, which ends with it. */
  launch(role: 'serve' | 'work', env?: Record<string, string>): Promise<ServerProcess>;
  /** All bytes that count of an upload under way. */
  readDraft(key: string): Promise<Buffer>;
}

export async function startConstellation(env: Record<string, string> = {}): Promise<Constellation> {
  await using opened = new AsyncDisposableStack();
  const postgres = opened.use(await startPostgres());
  const redis = opened.use(await startRedis());
  const s3 = opened.use(await startS3());
  const storage = opened.use(await openStorage(s3.settings));
  const shared = {
    ...{ DATABASE_URL: postgres.url, REDIS_URL: redis.url, ...s3.environment },
    SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934',
    // So that the balancer has seen it before a node takes no more connections.
    DRAIN_DELAY: '1s',
    ...env,
  };
  let owner: AsyncDisposableStack = opened;
  const launch: Constellation['launch'] = async (role, more = {}) =>
    owner.use(await spawnServer({ ...shared, ...more, ROLES: role }));
  // All at once: each may be the one that makes the tables.
  const [web, workers] = await Promise.all([
    Promise.all([launch('serve'), launch('serve')]),
    Promise.all([launch('work'), launch('work')]),
  ]);
  const balancer: Balancer = opened.use(await startBalancer(web.map(({ base }) => base)));
  owner = opened.move();
  return {
    ...{ base: balancer.base, postgres, redis, s3, storage, web, workers, launch },
    readDraft: (key) => buffer(storage.drafts.read(key, { start: 0, end: Number.MAX_SAFE_INTEGER - 1 })),
    [Symbol.asyncDispose]: () => owner.disposeAsync(),
  };
}
