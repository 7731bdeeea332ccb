// A site that moves to PostgreSQL and back, as an operator does it, also when it is killed on the way.
import { once } from 'node:events';
import { copyFile, readFile } from 'node:fs/promises';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seed } from '../../src/seed.ts';
import { call, say } from '../support/classic-client.ts';
import { type Finished, spawnVeranda } from '../support/commands.ts';
import { lookAtPostgres } from '../support/engines.ts';
import { startServer } from '../support/servers.ts';
import { contentsOf } from './contents.ts';
import { change, type Ground, openGround } from './ground.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const KEY = '7c1f52e09ab34d8686f1c0d2e5b7a934';

let ground: Ground;
/** The site that is copied: seeded, with odd rows, stopped. */
let source: string;
let password: string;

beforeAll(async () => {
  ground = await openGround();
  source = ground.at('source.db');
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
afterAll(() => ground[Symbol.asyncDispose]());

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

describe('a site that moves to PostgreSQL and back', () => {
  let postgres: string;
  let before: Buffer;
  let after: Buffer;
  let there: Finished;
  let back: Finished;
  const returned = (): string => ground.at('returned.db');

  beforeAll(async () => {
    before = await readFile(source);
    postgres = await ground.makeDatabase();
    there = await ground.copy(`sqlite:${source}`, postgres);
    after = await readFile(source);
    back = await ground.copy(postgres, `sqlite:${returned()}`);
  });

  test('is only read', () => {
    expect(after.equals(before)).toBe(true);
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
    large = ground.at('large.db');
    await ground.migrate(`sqlite:${large}`);
    const numbers = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${POSTS})`;
    change(large, `insert into users values (1, 'a', 'a', 'a', 'a', 'a', 'a', '', 'user', 0, null, '')`);
    change(large, `insert into profiles (id, user_id, created_at) values (1, 1, 0)`);
    change(
      large,
      `${numbers} insert into posts (author_id, text, created_at) select 1, 'word' || i, i from n`,
    );
    change(large, `${numbers} insert into likes select i, 1, i from n`);
    target = await ground.makeDatabase();
  });

  /** Runs the copy and kills it as soon as the table has come so far. */
  async function killAt(table: string, { from, to }: { from: string; to: string }): Promise<void> {
    const child = spawnVeranda(['copy-database', '--from', from, '--to', to], {
      env: { DATA_DIR: ground.at('data') },
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
    ['to SQLite', () => [target, `sqlite:${ground.at('small.db')}`]],
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
    const start = await ground.migrate(to);
    expect(start).toMatchObject({ code: 1, err: expect.stringContaining('a copy that is not finished') });
    expect(await ground.copy(`sqlite:${source}`, to)).toMatchObject({
      code: 1,
      err: expect.stringContaining('unfinished copy of'),
    });

    await killAt('likes', { from, to });
    expect((await counted(to))[0]).toBe(POSTS);
    expect(await ground.copy(from, to)).toMatchObject({ code: 0, err: '' });
    expect(await contentsOf(to.replace('sqlite:', ''))).toEqual(await contentsOf(large));
  });

  test('is found out when its source was written to before it went on', async () => {
    const from = ground.at('changed.db');
    await copyFile(large, from);
    const to = await ground.makeDatabase();
    await killAt('likes', { from: `sqlite:${from}`, to });
    change(from, `update posts set text = 'other' where id = 1`);
    change(from, `delete from likes where post_id = ${POSTS}`);
    const { code, err } = await ground.copy(`sqlite:${from}`, to);
    expect(code).toBe(1);
    expect(err).toContain('posts has the same number of rows, but others');
    const start = await ground.migrate(to);
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
