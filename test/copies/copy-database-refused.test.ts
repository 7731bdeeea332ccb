// What copy-database does not do, and how it says so.
import { copyFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { runVeranda } from '../support/commands.ts';
import { startServer } from '../support/servers.ts';
import { change, type Ground, openGround } from './ground.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let ground: Ground;
/** A small site. */
let source: string;

beforeAll(async () => {
  ground = await openGround();
  source = ground.at('source.db');
  await ground.migrate(`sqlite:${source}`);
  for (const id of [1, 2, 3]) {
    const name = `n${id}`;
    change(
      source,
      `insert into users values (?, ?, ?, ?, ?, '', '', '', 'user', 0, null, '')`,
      ...[id, name, name, name, name],
    );
    change(source, 'insert into profiles (id, user_id, created_at) values (?, ?, 0)', id, id);
  }
  await copyFile(source, ground.at('other.db'));
});
afterAll(() => ground[Symbol.asyncDispose]());

describe('a copy is refused, in words,', () => {
  test.each<[string, () => Promise<[from: string, to: string]>, string]>([
    [
      'when there is no source',
      async () => [`sqlite:${ground.at('nowhere.db')}`, await ground.makeDatabase()],
      'There is no database at',
    ],
    [
      'of what is no site',
      async () => [await ground.makeDatabase(), `sqlite:${ground.at('new-1.db')}`],
      'is not the database of a site',
    ],
    ['into itself', async () => [`sqlite:${source}`, `sqlite:${source}`], 'are the same database'],
    ['into a site', async () => [`sqlite:${source}`, `sqlite:${ground.at('other.db')}`], 'is not empty: '],
  ])('%s', async (_, places, sentence) => {
    const [from, to] = await places();
    const { code, err } = await ground.copy(from, to);
    expect(code).toBe(1);
    expect(err).toContain(sentence);
  });

  test('while the site runs, on either engine and on either side', async () => {
    for (const address of [`sqlite:${ground.at('running.db')}`, await ground.makeDatabase()]) {
      await using site = await startServer({
        DATABASE_URL: address,
        SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934',
      });
      expect(site.app.report.database).toBeTruthy();
      const other = `sqlite:${ground.at('new-2.db')}`;
      for (const [from, to] of [
        [address, other],
        [`sqlite:${source}`, address],
      ] as const)
        expect(await ground.copy(from, to)).toMatchObject({
          code: 1,
          out: '',
          err: expect.stringContaining('is in use'),
        });
    }
  });

  test('of texts that PostgreSQL cannot hold, naming each row; once they are mended it goes on', async () => {
    const from = ground.at('nul.db');
    await copyFile(source, from);
    change(from, `update profiles set bio = 'a' || char(0) || 'b' where id in (2, 3)`);
    const to = await ground.makeDatabase();
    const { code, err } = await ground.copy(`sqlite:${from}`, to);
    expect(code).toBe(1);
    expect(err).toContain('profiles (id 2): bio\nprofiles (id 3): bio\n');
    change(from, 'update profiles set bio = substr(bio, 1, instr(bio, char(0)) - 1) where id in (2, 3)');
    expect(await ground.copy(`sqlite:${from}`, to)).toMatchObject({ code: 0, err: '' });
  });

  test('of numbers that would come out as others', async () => {
    const from = ground.at('numbers.db');
    await copyFile(source, from);
    change(from, 'update profiles set followers_count = 9007199254740993 where id = 2');
    const { code, err } = await ground.copy(`sqlite:${from}`, await ground.makeDatabase());
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
    const finished = await runVeranda(['copy-database', ...args], { env: { DATA_DIR: ground.at('data') } });
    expect(finished).toMatchObject({ code, err: expect.stringContaining(sentence) });
  });

  test('when the server is not there', async () => {
    const finished = await ground.copy(`sqlite:${source}`, 'postgres://nobody@127.0.0.1:1/none');
    expect(finished).toMatchObject({ code: 75, err: expect.stringContaining('it cannot be reached') });
  });
});
