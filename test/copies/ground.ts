// What copies of databases are tried out on: a cluster of PostgreSQL, a folder for files of SQLite, and the verb.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { type Finished, runVeranda } from '../support/commands.ts';
import { startPostgres } from '../support/postgres.ts';

export interface Ground extends AsyncDisposable {
  /** A path in the folder. */
  at(name: string): string;
  /** The address of a new, empty database in the cluster. */
  makeDatabase(): Promise<string>;
  copy(from: string, to: string): Promise<Finished>;
  /** Brings a database up to date as a start does. */
  migrate(address: string): Promise<Finished>;
}

export async function openGround(): Promise<Ground> {
  const cluster = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), 'veranda-copies-'));
  const at = (name: string): string => join(folder, name);
  let databases = 0;
  return {
    at,
    async makeDatabase() {
      const client = new pg.Client({ connectionString: cluster.url });
      await client.connect();
      databases += 1;
      await client.query(`create database copy_${databases}`);
      await client.end();
      return cluster.url.replace(/[^/]*$/, `copy_${databases}`);
    },
    copy: (from, to) =>
      runVeranda(['copy-database', '--from', from, '--to', to], { env: { DATA_DIR: at('data') } }),
    migrate: (address) => runVeranda(['migrate'], { env: { DATABASE_URL: address, DATA_DIR: at('data') } }),
    async [Symbol.asyncDispose]() {
      await cluster[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One statement on a file of SQLite. */
export function change(path: string, sql: string, ...values: unknown[]): void {
  const database = new Sqlite(path);
  database.pragma('foreign_keys = on');
  database.prepare(sql).run(...values);
  database.close();
}
