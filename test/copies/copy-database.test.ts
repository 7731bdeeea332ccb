// A site that moves to PostgreSQL and back, as an operator does it, and what is refused on the way.
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seed } from '../../src/seed.ts';
import { call, say } from '../support/classic-client.ts';
import { type Finished, runVeranda, spawnVeranda } from '../support/commands.ts';
import { lookAtPostgres } from '../support/engines.ts';
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
    await using site = await startServer({ DATABASE_URL: `sqlite:${source}`, SECRET_KEY: KEY });
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
  const texts = [
    '',
    ' ',
    '\n\t"\'\\',
    '👩🏽‍🚀 наверх שלום‏ ‮مرحبا',
    '%_\u0001\u007f\uFFFD',
    'ß'.repeat(30_000),
    '{"a":[1]}',
    '7',
    'null',
  ];
  for (const text of texts)
    change(path, 'insert into posts (author_id, text, created_at) values (1, ?, ?)', text, most);
  change(path, 'update profiles set bio = ?, followers_count = ? where id = 2', texts[3], most);
  change(
    path,
    "insert into import_sources (id, fingerprint, salt, started_at) values (?, 'f', '', -1)",
    most - 1,
  );
  for (const table of ['b', 'A', 'é', '_', ''])
    change(path, 'insert into imports values (?, ?, ?, 0)', most - 1, table, -most);
  change(
    path,
    "insert into jobs (kind, payload, run_at, max_attempts, created_at) values ('none', '{}', ?, 1, 0)",
    most,
  );
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
      const signIn = await call(site.base, '/api/users/user/token/', {
        body: { username: 'maya', password },
      });
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

describe('a copy that was killed', () => {
  const POSTS = 6_000;
  let large: string;
  let target: string;

  beforeAll(async () => {
    large = at('large.db');
    expect(
      (await runVeranda(['migrate'], { env: { DATABASE_URL: `sqlite:${large}`, DATA_DIR: at('data') } }))
        .code,
    ).toBe(0);
    const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${POSTS})`;
    change(large, `insert into users values (1, 'a', 'a', 'a', 'a', 'a', 'a', '', 'user', 0, null, '')`);
    change(large, `insert into profiles (id, user_id, created_at) values (1, 1, 0)`);
    change(
      large,
      `${numbers} insert into posts (author_id, text, created_at) select 1, 'word' || i, i from n`,
    );
    change(large, `${numbers} insert into likes select i, 1, i from n`);
    target = await makeDatabase();
  });

  /** Runs the copy and kills it as soon as the table has come so far. */
  async function killAt(table: string, { from, to }: { from: string; to: string }): Promise<void> {
    const child = spawnVeranda(['copy-database', '--from', from, '--to', to], {
      env: { DATA_DIR: at('data') },
    });
    const ended = once(child, 'exit');
    let before: string | null | undefined;
    await vi.waitUntil(
      async () => {
        if (child.exitCode !== null) return true;
        const key = await lastKeyOf(to, table);
        before = before === undefined ? key : before;
        return key !== null && key !== before;
      },
      { timeout: 60_000, interval: 1 },
    );
    child.kill('SIGKILL');
    expect(await ended).toEqual([null, 'SIGKILL']);
  }

  const counted = async (to: string): Promise<number[]> => {
    const { tables } = await contentsOf(to.replace('sqlite:', ''));
    return ['posts', 'likes'].map((name) => tables[name]?.length ?? 0);
  };

  test.each([
    ['to PostgreSQL', () => [`sqlite:${large}`, target]],
    ['to SQLite', () => [target, `sqlite:${at('small.db')}`]],
  ])('%s goes on where it stopped, and ends the same', async (_, places) => {
    const [from = '', to = ''] = places();
    await killAt('posts', { from, to });
    const [posts] = await counted(to);
    expect(posts).toBeGreaterThan(0);
    await killAt('posts', { from, to });
    const [more, none] = await counted(to);
    expect(more).toBeGreaterThan(posts ?? 0);
    expect([more === POSTS, none]).toEqual([false, 0]);

    // What is not whole is no site, and no target for another source.
    const start = await runVeranda(['migrate'], { env: { DATABASE_URL: to, DATA_DIR: at('data') } });
    expect(start).toMatchObject({ code: 1, err: expect.stringContaining('a copy that is not finished') });
    expect(await copy(`sqlite:${source}`, to)).toMatchObject({
      code: 1,
      err: expect.stringContaining('unfinished copy of'),
    });

    await killAt('likes', { from, to });
    expect((await counted(to))[0]).toBe(POSTS);
    expect(await copy(from, to)).toMatchObject({ code: 0, err: '' });
    expect(await contentsOf(to.replace('sqlite:', ''))).toEqual(await contentsOf(large));
  });

  test('is found out when its source was written to before it went on', async () => {
    const from = at('changed.db');
    await copyFile(large, from);
    const to = await makeDatabase();
    await killAt('likes', { from: `sqlite:${from}`, to });
    change(from, `update posts set text = 'other' where id = 1`);
    change(from, `delete from likes where post_id = ${POSTS}`);
    const { code, err } = await copy(`sqlite:${from}`, to);
    expect(code).toBe(1);
    expect(err).toContain('posts has the same number of rows, but others');
    const start = await runVeranda(['migrate'], { env: { DATABASE_URL: to, DATA_DIR: at('data') } });
    expect(start.code).toBe(1);
  });
});

async function lastKeyOf(to: string, table: string): Promise<string | null> {
  const sql = `select last_key from copy_progress where name = '${table}'`;
  try {
    if (to.startsWith('postgres:'))
      return await lookAtPostgres(
        to,
        async (ask) => (await ask<{ last_key: string }>(sql))[0]?.last_key ?? null,
      );
    const database = new Sqlite(to.replace('sqlite:', ''), { readonly: true, fileMustExist: true });
    try {
      return database.prepare<[], { last_key: string }>(sql).get()?.last_key ?? null;
    } finally {
      database.close();
    }
  } catch {
    // Not there yet.
    return null;
  }
}

describe('a copy is refused, in words,', () => {
  test.each<[string, () => Promise<[from: string, to: string]>, string]>([
    [
      'when there is no source',
      async () => [`sqlite:${at('nowhere.db')}`, await makeDatabase()],
      'There is no database at',
    ],
    [
      'of what is no site',
      async () => [await makeDatabase(), `sqlite:${at('new-1.db')}`],
      'is not the database of a site',
    ],
    ['into itself', async () => [`sqlite:${source}`, `sqlite:${source}`], 'are the same database'],
    ['into a site', async () => [`sqlite:${source}`, `sqlite:${at('large.db')}`], 'is not empty: '],
  ])('%s', async (_, places, sentence) => {
    const [from, to] = await places();
    const { code, err } = await copy(from, to);
    expect(code).toBe(1);
    expect(err).toContain(sentence);
  });
  test('while the site runs, on either engine and on either side', async () => {
    for (const address of [`sqlite:${at('running.db')}`, await makeDatabase()]) {
      await using site = await startServer({ DATABASE_URL: address, SECRET_KEY: KEY });
      expect(site.app.report.database).toBeTruthy();
      const other = `sqlite:${at(`new-${databases}.db`)}`;
      for (const [from, to] of [
        [address, other],
        [`sqlite:${source}`, address],
      ] as const)
        expect(await copy(from, to)).toMatchObject({
          code: 1,
          out: '',
          err: expect.stringContaining('is in use'),
        });
    }
  });

  test('of texts that PostgreSQL cannot hold, naming each row; once they are mended it goes on', async () => {
    const from = at('nul.db');
    await copyFile(source, from);
    change(from, `update profiles set bio = 'a' || char(0) || 'b' where id in (2, 3)`);
    const to = await makeDatabase();
    const { code, err } = await copy(`sqlite:${from}`, to);
    expect(code).toBe(1);
    expect(err).toContain('profiles (id 2): bio\nprofiles (id 3): bio\n');
    change(from, 'update profiles set bio = substr(bio, 1, instr(bio, char(0)) - 1) where id in (2, 3)');
    expect(await copy(`sqlite:${from}`, to)).toMatchObject({ code: 0, err: '' });
  });

  test('of numbers that would come out as others', async () => {
    const from = at('numbers.db');
    await copyFile(source, from);
    change(from, 'update profiles set followers_count = 9007199254740993 where id = 2');
    const { code, err } = await copy(`sqlite:${from}`, await makeDatabase());
    expect([code, err]).toEqual([
      1,
      expect.stringContaining('profiles (id 2): followers_count holds a value'),
    ]);
  });

  test.each([
    [['--from', 'sqlite:a'], 64, 'needs --from and --to'],
    [['--from', 'mysql://a/b', '--to', 'sqlite:a'], 78, '--from: must look like sqlite:<path>'],
    [['--from', 'sqlite:a.db', '--to', 'postgres://nobody@127.0.0.1:1/none'], 1, 'There is no database at'],
  ])('called with %j', async (args, code, sentence) => {
    const finished = await runVeranda(['copy-database', ...args], { env: { DATA_DIR: at('data') } });
    expect(finished).toMatchObject({ code, err: expect.stringContaining(sentence) });
  });

  test('when the server is not there', async () => {
    const finished = await copy(`sqlite:${source}`, 'postgres://nobody@127.0.0.1:1/none');
    expect(finished).toMatchObject({ code: 78, err: expect.stringContaining('it cannot be reached') });
  });
});
