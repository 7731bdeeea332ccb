// A site that moves to PostgreSQL and back, as an operator does it, and what is refused on the way.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seed } from '../../src/seed.ts';
import { call, say } from '../support/classic-client.ts';
import { type Finished, runVeranda } from '../support/commands.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startServer } from '../support/servers.ts';
import { contentsOf } from './contents.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const KEY = '7c1f52e09ab34d8686f1c0d2e5b7a934';

let cluster: TestPostgres;
let folder: string;
/** The site that is copied: seeded, with odd rows, stopped. */
let source: string;
let password: string;
let databases = 0;

beforeAll(async () => {
  cluster = await startPostgres();
  folder = await mkdtemp(joinPath(tmpdir(), 'veranda-copies-'));
  source = at('source.db');
  const lines: string[] = [];
  {
    await using site = await startServer({ DATABASE_URL: `sqlite:${source}`, SECRET_KEY: KEY, });
    // Nothing is encoded here: videos are files like others, and only rows are copied.
    const { app } = site;
    await app.worker.stop();
    await seed({ ...app, report: { ...app.report, ffmpeg: undefined } }, (line) => lines.push(line));
  }
  password = /with the password (\S+)/.exec(lines.join('\n'))?.[1] ?? '';
  addOddRows(source);
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const at = (name: string): string => joinPath(folder, name);

function change(path: string, sql: string, ...values: unknown[]): void {
  const database = new Sqlite(path);
  database.pragma('foreign_keys = on');
  database.prepare(sql).run(...values);
  database.close();
}

function addOddRows(path: string): void {
  const most = Number.MAX_SAFE_INTEGER;
  const texts = ['', ' ', '\n\t"\'\\', '👩🏽‍🚀 наверх שלום‏ ‮مرحبا', '%_\u0001\u007f\uFFFD', 'ß'.repeat(30_000), '{"a":[1]}', '7', 'null'];
  for (const text of texts)
    change(path, 'insert into posts (author_id, text, created_at) values (1, ?, ?)', text, most);
  change(path, 'update profiles set bio = ?, followers_count = ? where id = 2', texts[3], most);
  change(path, "insert into import_sources (id, fingerprint, salt, started_at) values (?, 'f', '', -1)", most - 1);
  for (const table of ['b', 'A', 'é', '_', ''])
    change(path, 'insert into imports values (?, ?, ?, 0)', most - 1, table, -most);
  change(path, "insert into jobs (kind, payload, run_at, max_attempts, created_at) values ('none', '{}', ?, 1, 0)", most);
  // Ids that were given and are gone must not be given again.
  change(path, 'insert into posts (id, author_id, text, created_at) values (5000, 1, ?, 0)', 'gone');
  change(path, 'delete from posts where id = 5000');
}

/** The address of a new, empty database. */
async function makeDatabase(): Promise<string> {
  const client = new pg.Client({ connectionString: cluster.url });
  await client.connect();
  databases += 1;
  await client.query(`create database copy_${databases}`);
  await client.end();
  return cluster.url.replace(/[^/]*$/, `copy_${databases}`);
}

const copy = (from: string, to: string): Promise<Finished> =>
  runVeranda(['copy-database', '--from', from, '--to', to], { env: { DATA_DIR: at('data') } });

describe('a site that moves to PostgreSQL and back', () => {
  let postgres: string;
  let there: Finished;
  let back: Finished;
  const returned = (): string => at('returned.db');

  beforeAll(async () => {
    const before = await readFile(source);
    postgres = await makeDatabase();
    there = await copy(`sqlite:${source}`, postgres);
    expect((await readFile(source)).equals(before)).toBe(true);
    back = await copy(postgres, `sqlite:${returned()}`);
  });

  test('is told table by table that it was compared', () => {
    expect(there).toMatchObject({ code: 0, err: '' });
    expect(there.out).toMatch(/^posts: \d+ rows, SHA-256 [0-9a-f]{16}…$/m);
    expect(there.out).toContain('is a copy of');
    expect(back).toMatchObject({ code: 0, err: '' });
    // The same checksums, line by line.
    expect(back.out.split('\n').slice(0, -2)).toEqual(there.out.split('\n').slice(0, -2));
  });

  test('has every row as it was, and gives no id again', async () => {
    const original = await contentsOf(source);
    expect(original.tables['posts']?.length).toBeGreaterThan(50);
    expect(original.given['posts']).toBe(5000);
    expect(await contentsOf(postgres)).toEqual(original);
    expect(await contentsOf(returned())).toEqual(original);
  });

  test('serves, finds and signs in as before', async () => {
    const answers = [];
    for (const address of [`sqlite:${source}`, postgres, `sqlite:${returned()}`]) {
      await using site = await startServer({ DATABASE_URL: address, SECRET_KEY: KEY });
      const signIn = await call(site.base, '/api/users/user/token/', { body: { username: 'maya', password } });
      const token = signIn.json.access;
      const feed = await call(site.base, '/api/posts/?page=2', { token });
      const found = await call(site.base, '/api/posts/post/search?q=the', { token });
      const said = await say(site.base, { access: token }, 'after the move');
      answers.push({ signIn: signIn.status, feed: feed.json, found: [found.status, found.json], said });
    }
    expect(answers[0]).toMatchObject({ signIn: 200, found: [200, expect.any(Array)], said: 5001 });
    expect(answers[0]?.found[1].length).toBeGreaterThan(3);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });
});
