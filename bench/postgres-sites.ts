// The same site on PostgreSQL, with Redis beside it, and what both of them did meanwhile.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { createApp } from '../src/app.ts';
import { readConfig } from '../src/config.ts';
import { createLogger } from '../src/platform/logger.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { connect, startRedis } from '../test/support/redis.ts';
import { familyCpuSeconds, cpuSeconds } from './processes.ts';
import type { BenchSite } from './sites.ts';

export interface PostgresSite extends AsyncDisposable {
  /** Settings of a node on PostgreSQL alone, and of one that shares it with others. */
  readonly alone: Record<string, string>;
  readonly shared: Record<string, string>;
  /** CPU seconds so far, of all processes of each. */
  cpu(): { database: number; redis: number };
  /** Statements and plans of them that `work` leads to. */
  count(work: () => Promise<unknown>): Promise<{ statements: number; plans: number }>;
}

const TABLES = ['users', 'profiles', 'posts', 'likes', 'media'];
const STATEMENTS = 'pg_stat_statements';

/** Durable as in earnest. The full-text index stays empty. */
export async function copyToPostgres(site: BenchSite): Promise<PostgresSite> {
  await using opened = new AsyncDisposableStack();
  const settings = ['fsync=on', `shared_preload_libraries=${STATEMENTS}`];
  const postgres = opened.use(await startPostgres({ settings }));
  const redis = opened.use(await startRedis());
  const alone = { DATA_DIR: site.dataDir, DATABASE_URL: postgres.url };
  {
    const config = readConfig({ PATH: process.env['PATH'], ...alone, LOG_LEVEL: 'silent' });
    await using _app = await createApp({ config, logger: createLogger('silent') });
  }
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  opened.defer(() => client.end());
  await copyTables(join(site.dataDir, 'veranda.db'), client);
  await client.query(`create extension ${STATEMENTS}`);
  await track(client, false);
  const pid = Number(readFileSync(join(postgres.folder, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]);
  const redisPid = await findRedis(redis.url);
  const disposal = opened.move();
  return {
    alone,
    shared: { ...alone, REDIS_URL: redis.url },
    cpu: () => ({ database: familyCpuSeconds(pid), redis: cpuSeconds(redisPid) }),
    async count(work) {
      await track(client, true);
      await client.query(`select ${STATEMENTS}_reset()`);
      await work();
      // All that was asked, with what a transaction begins and ends with; only the look itself counts for nothing.
      const { rows } = await client.query(
        `select coalesce(sum(calls), 0)::int as statements, coalesce(sum(plans), 0)::int as plans from ${STATEMENTS}
         where query !~* '${STATEMENTS}'`,
      );
      await track(client, false);
      return rows[0];
    },
    [Symbol.asyncDispose]: () => disposal.disposeAsync(),
  };
}

async function copyTables(path: string, client: pg.Client): Promise<void> {
  const source = new Sqlite(path, { readonly: true });
  for (const table of TABLES) {
    const rows = source.prepare<[], object>(`select * from ${table}`).all();
    for (let from = 0; from < rows.length; from += 5_000) {
      const some = JSON.stringify(rows.slice(from, from + 5_000));
      await client.query(`insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [
        some,
      ]);
    }
    if (table !== 'likes')
      await client.query(`select setval('${table}_id_seq', (select max(id) from ${table}))`);
  }
  source.close();
  await client.query('vacuum analyze');
}

/** In all backends, for some requests only: it costs time. */
async function track(client: pg.Client, isOn: boolean): Promise<void> {
  await client.query(`alter system set ${STATEMENTS}.track = ${isOn ? 'top' : 'none'}`);
  await client.query(`alter system set ${STATEMENTS}.track_planning = ${isOn ? 'on' : 'off'}`);
  await client.query('select pg_reload_conf()');
  // A backend heeds it between two statements.
  await new Promise((resolve) => setTimeout(resolve, 200));
}

async function findRedis(url: string): Promise<number> {
  await using connection = connect(url);
  await connection.until('up');
  const info = await connection.redis.commands.send((client) => client.info('server'));
  return Number(/process_id:(\d+)/.exec(info)?.[1]);
}
