// The operator's verbs, beside a running server where it matters.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { call, join as signUp, say } from '../test/support/classic-client.ts';
import { type Finished, runVeranda } from '../test/support/commands.ts';
import { startServer, type TestServer } from '../test/support/servers.ts';
import { ask } from '../test/support/site-data.ts';

// Each verb is a process of its own.
vi.setConfig({ testTimeout: 60_000 });

let site: TestServer;
beforeAll(async () => {
  site = await startServer();
});
afterAll(() => site[Symbol.asyncDispose]());

const veranda = (args: string[], input?: string): Promise<Finished> =>
  runVeranda(args, { env: { DATA_DIR: site.dataDir }, ...(input !== undefined && { input }) });
const author = (token: string) => call(site.base, '/api/users/author/', { token });
const signIn = (username: string, password: string) =>
  call(site.base, '/api/users/user/token/', { body: { username, password } });

describe('verbs', () => {
  test.each([['no-such-verb'], ['constructor']])('%s is none: the usage, and 64', async (verb) => {
    const { code, out, err } = await veranda([verb]);
    expect([code, out]).toEqual([64, '']);
    expect(err).toMatch(new RegExp(`^${verb} is no verb of this program\\n\\nUsage: `));
  });

  test('help, or none at all, shows the usage', async () => {
    for (const args of [['help'], []]) {
      const { code, out, err } = await veranda(args);
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/^Usage: npm run veranda -- <verb>/);
    }
  });

  test('that are used wrongly say how, and change nothing', async () => {
    for (const args of [
      ['users', 'forget', 'ann'],
      ['jobs', 'retry', 'all'],
      ['create-admin', '--colour', 'blue'],
    ]) {
      const { code, out, err } = await veranda(args, 'Quiet-Harbour-41\n');
      expect([code, out], args.join(' ')).toEqual([64, '']);
      expect(err).toContain('Usage: ');
    }
  });

  test('stop at a wrong setting with 78 and one line', async () => {
    const env = { DATA_DIR: site.dataDir, PORT: 'http' };
    expect(await runVeranda(['users'], { env })).toEqual({
      code: 78,
      out: '',
      err: 'PORT: must be a whole number from 0 to 65535\n',
    });
  });

  test('that encode nothing look for no ffmpeg', async () => {
    const env = { DATA_DIR: site.dataDir, FFMPEG_PATH: '/nowhere/ffmpeg' };
    expect(await runVeranda(['jobs'], { env })).toMatchObject({ code: 0, err: '' });
  });

  test('work on a site that never ran', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'veranda-cli-'));
    const { code, out } = await runVeranda(['migrate'], { env: { DATA_DIR: join(folder, 'new') } });
    expect([code, out]).toEqual([0, expect.stringMatching(/^SQLite \S+: the schema is up to date\n$/)]);
    await rm(folder, { recursive: true, force: true });
  });
});

describe('create-admin', () => {
  const args = (name: string) => ['create-admin', '--username', name, '--email', `${name}@example.org`];

  test('reads the password from standard input, as it is, and never shows it', async () => {
    const { code, out, err } = await veranda(
      [...args('keeper'), '--first-name', 'Kim'],
      'Lantern & Rope 7\n',
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^admin keeper is user \d+\n$/);
    const { access } = (await signIn('keeper', 'Lantern & Rope 7')).json;
    expect((await author(access)).json).toMatchObject({
      username: 'keeper',
      firstname: 'Kim',
      lastname: 'Admin',
    });
    expect(await ask(site.dataDir, "select role from users where username = 'keeper'")).toEqual([
      { role: 'admin' },
    ]);
  });

  test.each([
    [
      'a weak password',
      '12345678\n',
      'password: This password is too common. This password is entirely numeric.\n',
    ],
    ['no password', '', 'password: This field may not be blank.\n'],
  ])('with %s says what is wrong and makes nobody', async (_, input, sentence) => {
    expect(await veranda(args('intruder'), input)).toEqual({ code: 1, out: '', err: sentence });
    expect(await ask(site.dataDir, "select id from users where username = 'intruder'")).toEqual([]);
  });
});

describe('create-user', () => {
  test('makes an ordinary account, and wants all that a sign-up wants', async () => {
    const given = ['create-user', '--username', 'guest', '--email', 'guest@example.org'];
    const incomplete = await veranda(given, 'Lantern & Rope 7\n');
    expect([incomplete.code, incomplete.err]).toEqual([64, expect.stringMatching(/^create-user needs /)]);
    const made = await veranda(
      [...given, '--first-name', 'Gail', '--last-name', 'Est'],
      'Lantern & Rope 7\n',
    );
    expect([made.code, made.err]).toEqual([0, '']);
    expect(made.out).toMatch(/^guest is user \d+\n$/);
    const { access } = (await signIn('guest', 'Lantern & Rope 7')).json;
    expect((await author(access)).json).toMatchObject({ firstname: 'Gail', lastname: 'Est' });
    expect(await ask(site.dataDir, "select role from users where username = 'guest'")).toEqual([
      { role: 'user' },
    ]);
  });
});

describe('users', () => {
  test('lists everybody, a line each, without anything secret', async () => {
    const { username } = await signUp(site.base, { username: 'listed', email: 'listed@example.org' });
    const { code, out } = await veranda(['users']);
    expect(code).toBe(0);
    const line = out.split('\n').find((text) => text.includes(username)) ?? '';
    expect(line.split('\t')).toEqual([
      expect.stringMatching(/^\d+$/),
      username,
      `${username}@example.org`,
      'user',
      expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      '',
    ]);
    expect(out).not.toContain('argon2');
  });

  test('suspend ends every session at once and keeps the door shut; restore opens it again', async () => {
    const ann = await signUp(site.base);
    const elsewhere = (await signIn(ann.username, ann.password)).json;
    const ben = await signUp(site.base);

    expect(await veranda(['users', 'suspend', ann.username.toUpperCase()])).toMatchObject({
      code: 0,
      err: '',
    });
    for (const { access, refresh } of [ann, elsewhere]) {
      const answer = await author(access);
      expect([answer.status, answer.json]).toEqual([
        401,
        { detail: 'User is inactive', code: 'user_inactive' },
      ]);
      const refreshed = await call(site.base, '/api/users/user/token/refresh/', { body: { refresh } });
      expect(refreshed.status).toBe(401);
    }
    const refused = await signIn(ann.username, ann.password);
    expect([refused.status, refused.json]).toEqual([
      401,
      { detail: 'No active account found with the given credentials' },
    ]);
    expect((await author(ben.access)).status).toBe(200);
    expect((await veranda(['users'])).out).toMatch(new RegExp(`\\t${ann.username}\\t.*\\tsuspended\\n`));

    expect((await veranda(['users', 'restore', ann.username])).code).toBe(0);
    const again = await signIn(ann.username, ann.password);
    expect((await author(again.json.access)).status).toBe(200);
    // What was ended stays ended.
    expect((await author(ann.access)).status).toBe(401);
  });

  test('password gives somebody a new one, and whoever had the old one is out', async () => {
    const { username, password, access } = await signUp(site.base);
    const give = (next: string) => veranda(['users', 'password', username], `${next}\n`);
    expect(await give('12345678')).toEqual({
      code: 1,
      out: '',
      err: 'password: This password is too common. This password is entirely numeric.\n',
    });
    expect((await author(access)).status).toBe(200);
    expect(await give('Calm-Lighthouse-52')).toEqual({
      code: 0,
      out: `${username} has a new password\n`,
      err: '',
    });
    expect((await author(access)).status).toBe(401);
    expect((await signIn(username, password)).status).toBe(401);
    expect((await signIn(username, 'Calm-Lighthouse-52')).status).toBe(200);
  });

  test('promote makes an admin and demote an ordinary user, from the next request on', async () => {
    const ann = await signUp(site.base);
    const ben = await signUp(site.base);
    const remove = async (): Promise<number> => {
      const id = await say(site.base, ann, 'rude words');
      return (await call(site.base, `/api/posts/post/${id}/`, { method: 'DELETE', token: ben.access }))
        .status;
    };
    expect(await remove()).toBe(403);
    expect((await veranda(['users', 'promote', ben.username])).out).toBe(`${ben.username} is an admin\n`);
    expect(await remove()).toBe(204);
    expect((await author(ben.access)).json.is_admin).toBe(true);
    expect((await veranda(['users', 'demote', ben.username])).out).toBe(
      `${ben.username} is an ordinary user\n`,
    );
    expect(await remove()).toBe(403);
    expect((await author(ben.access)).json).not.toHaveProperty('is_admin');
  });

  test('delete wants the name once more, and takes somebody away with what they said', async () => {
    const { username, access } = await signUp(site.base);
    const id = await say(site.base, { access }, 'a last word');
    expect(await veranda(['users', 'delete', username], 'another\n')).toMatchObject({ code: 64, out: '' });
    expect((await author(access)).status).toBe(200);
    expect(await veranda(['users', 'delete', username], `${username}\n`)).toEqual({
      ...{ code: 0, err: '' },
      out: `${username} is deleted\n`,
    });
    expect((await author(access)).status).toBe(401);
    expect((await call(site.base, `/api/posts/post/${id}/`)).status).toBe(404);
  });

  test('of an unknown name is an error', async () => {
    for (const action of ['suspend', 'password', 'promote'])
      expect(await veranda(['users', action, 'nobody'], 'Calm-Lighthouse-52\n')).toEqual({
        ...{ code: 1, out: '' },
        err: 'Not found.\n',
      });
  });
});

describe('jobs', () => {
  test('are listed with their state and what went wrong; a dead one is tried again on request', async () => {
    await site.app.worker.idle();
    const columns =
      '(kind, payload, priority, run_at, attempts, max_attempts, lease_until, last_error, created_at, dead_at, request_id)';
    const later = Date.now() + 3_600_000;
    const rows = [
      ['sweep-sessions', '{}', 0, later, 5, 5, 0, 'the disk was full', 1, Date.now(), 'request-1'],
      ['sweep-sessions', '{}', 0, later, 0, 5, 0, null, 1, null, null],
    ];
    for (const row of rows)
      await ask(site.dataDir, `insert into jobs ${columns} values (?,?,?,?,?,?,?,?,?,?,?)`, ...row);
    const [dead, waiting] = await ask<{ id: number }>(site.dataDir, 'select id from jobs order by id');
    const { out } = await veranda(['jobs']);
    expect(out).toContain(
      `${dead?.id}\tsweep-sessions\tdead\ttry 5 of 5\t{}\tthe disk was full\trequest-1\n`,
    );
    expect(out).toContain(`${waiting?.id}\tsweep-sessions\twaiting\ttry 0 of 5\t{}\t\t\n`);

    expect(await veranda(['jobs', 'retry', String(dead?.id)])).toEqual({
      code: 0,
      out: `job ${dead?.id} waits again\n`,
      err: '',
    });
    site.app.worker.wake();
    await site.app.worker.idle();
    expect(await ask(site.dataDir, 'select id from jobs')).toEqual([{ id: waiting?.id }]);
    expect((await veranda(['jobs', 'retry', String(waiting?.id)])).code).toBe(1);
    expect((await veranda(['jobs', 'retry', '999999'])).code).toBe(1);
  });
});
