// The life of the process: what it says at its start, what keeps it from starting, and how it ends.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { call, join as signUp, say } from '../support/classic-client.ts';
import { runVeranda } from '../support/commands.ts';
import { type ServerProcess, spawnServer, startServer } from '../support/servers.ts';
import { ask } from '../support/site-data.ts';

// Each start is a process of its own.
vi.setConfig({ testTimeout: 60_000 });

/** Runs a program in a mount namespace of its own, with a disk of these options at `path`. */
const withDisk = (options: string, path: string): string[] => {
  const mount = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"';
  return ['unshare', '-rm', 'sh', '-c', mount, options, path];
};
const [unshare, ...mountAndStop] = [...withDisk('size=1m', tmpdir()), 'true'];
const canMount = spawnSync(unshare, mountAndStop).status === 0;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veranda-start-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a start says where it serves and what is switched on', async () => {
  await using site = await spawnServer();
  const { host } = new URL(site.base);
  expect(site.lines[0]).toBe(`Veranda serves on http://${host}`);
  const report = site.lines.join('\n');
  expect(report).toContain(`live updates  ws://${host}/ws/posts/`);
  expect(report).toMatch(/database {6}SQLite \d+\.\d+\.\d+, .*veranda\.db/);
  expect(report).toMatch(/storage {7}local disk \(.*\)/);
  expect(report).toMatch(/video {9}ffmpeg \S+ \(network \w+/);
  expect(report).toMatch(/limits {8}pictures 20 MiB, videos 4096 MiB, rates × 1000/);
  expect(report).toContain('hosts         localhost, 127.0.0.1, [::1]');
  expect(report).toContain('origins       http://localhost:3000');
  expect(report).not.toMatch(/warning: \(|ExperimentalWarning|DeprecationWarning/i);
});

describe('the key that signs tokens', () => {
  test('is made once, readable by its owner alone; tokens live through a restart', async () => {
    await using site = await spawnServer();
    const path = join(site.dataDir, 'secret-key');
    const key = await readFile(path, 'utf8');
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(site.lines.join('\n')).not.toContain(key);
    const { access, refresh } = await signUp(site.base);

    expect(await site.end('SIGTERM')).toEqual({ code: 0, signal: null });
    await site.restart();
    expect(await readFile(path, 'utf8')).toBe(key);
    expect((await call(site.base, '/api/users/author/', { token: access })).status).toBe(200);
    const next = await call(site.base, '/api/users/user/token/refresh/', { body: { refresh } });
    expect(next.status).toBe(200);

    // What was used and ended stays so.
    await call(site.base, '/api/users/user/logout/', { token: access, body: { refreshToken: refresh } });
    await site.end('SIGKILL');
    await site.restart();
    expect((await call(site.base, '/api/users/author/', { token: next.json.access })).status).toBe(401);
    const dead = await call(site.base, '/api/users/user/token/refresh/', { body: next.json });
    expect(dead.json).toEqual({ detail: 'Token is blacklisted', code: 'token_not_valid' });
  });

  test('is not made when one is set', async () => {
    const dataDir = join(folder, 'own-key');
    const env = { DATA_DIR: dataDir, SECRET_KEY: 'f3a91c07be5d2846f3a91c07be5d2846' };
    expect((await runVeranda(['migrate'], { env })).code).toBe(0);
    await expect(stat(join(dataDir, 'secret-key'))).rejects.toThrow('ENOENT');
  });

  test('stops the start when the kept file is empty', async () => {
    const dataDir = await mkdtemp(join(folder, 'no-key-'));
    await writeFile(join(dataDir, 'secret-key'), '');
    const { code, err } = await runVeranda(['serve'], { env: { DATA_DIR: dataDir, PORT: '0' } });
    expect(code).toBe(78);
    expect(err).toMatch(/^SECRET_KEY: .*secret-key does not hold a whole key[^\n]*\n$/);
    expect(await readFile(join(dataDir, 'secret-key'), 'utf8')).toBe('');
  });
});

describe('a start that cannot be says why in one line, and ends with 75 for what passes by itself, else with 78', () => {
  async function expectRefusal(env: Record<string, string>, line: RegExp, expected = 78): Promise<void> {
    const dataDir = await mkdtemp(join(folder, 'refused-'));
    const { code, out, err } = await runVeranda(['serve'], { env: { DATA_DIR: dataDir, PORT: '0', ...env } });
    expect(err).toMatch(/^[^\n]+\n$/);
    expect(err).toMatch(line);
    expect([code, out]).toEqual([expected, '']);
  }

  test('for a port in use', async () => {
    const holder = createServer().listen(0, 'localhost');
    await once(holder, 'listening');
    const address = holder.address();
    const port = typeof address === 'object' && address ? String(address.port) : '';
    await expectRefusal(
      { PORT: port },
      new RegExp(`^PORT: ${port} on localhost is in use by another program`),
      75,
    );
    holder.close();
  });

  test('for a host that is none of this machine', async () => {
    await expectRefusal({ HOST: '192.0.2.1' }, /^HOST: 192\.0\.2\.1 is no address of this machine/);
  });

  test('for a data folder that is a file, is below one, or cannot be made', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, 'x');
    await expectRefusal({ DATA_DIR: file }, /^DATA_DIR: \S+a-file is not a folder/);
    await expectRefusal({ DATA_DIR: join(file, 'below') }, /^DATA_DIR: \S+a-file\/below is not a folder/);
    await expectRefusal(
      { DATA_DIR: '/sys/veranda' },
      /^DATA_DIR: \/sys\/veranda (may not be used|cannot be)/,
    );
  });

  test.skipIf(!canMount)('for a data folder on a disk that is full or cannot be written', async () => {
    const disk = await mkdtemp(join(folder, 'disk-'));
    const env = { DATA_DIR: disk, PORT: '0' };
    for (const [options, expected, why] of [
      ['size=4k', 75, 'is on a disk that is full'],
      ['size=12k', 75, 'is on a disk that is full'],
      ['size=100k', 75, 'is on a disk that is full'],
      ['size=1m,ro', 78, 'cannot be written'],
    ] as const) {
      const { code, out, err } = await runVeranda(['serve'], { env, within: withDisk(options, disk) });
      expect([code, out, err], options).toEqual([expected, '', `DATA_DIR: ${env.DATA_DIR} ${why}\n`]);
    }
  });

  test('for a database that is none', async () => {
    const file = join(folder, 'letter.db');
    await writeFile(file, 'Dear reader, this is a letter and no database at all. '.repeat(100));
    await expectRefusal({ DATABASE_URL: `sqlite:${file}` }, /^DATABASE_URL: \S+letter\.db is not a database/);
    await expectRefusal({ DATABASE_URL: 'sqlite:/sys/no/site.db' }, /^DATABASE_URL: \/sys\/no\/site\.db /);
    expect(await readFile(file, 'utf8')).toContain('Dear reader');
  });

  test('for an ffmpeg that is none', async () => {
    await expectRefusal({ FFMPEG_PATH: '/nowhere/ffmpeg' }, /^FFMPEG_PATH: .*\/nowhere\/ffmpeg/);
  });

  test('for a weak key, before anything is made', async () => {
    const dataDir = join(folder, 'never-made');
    await expectRefusal({ DATA_DIR: dataDir, SECRET_KEY: 'changeme' }, /^SECRET_KEY: is too weak/);
    await expect(stat(dataDir)).rejects.toThrow('ENOENT');
  });
});

test('a process that only serves needs no ffmpeg', async () => {
  await using server = await startServer({ ROLES: 'serve', FFMPEG_PATH: '/nowhere/ffmpeg' });
  expect(server.app.report.ffmpeg).toBeUndefined();
});

test('a start whose jobs cannot be taken up ends, instead of serving without them', async () => {
  const env = { DATA_DIR: await mkdtemp(join(folder, 'jobless-')) };
  expect((await runVeranda(['migrate'], { env })).code).toBe(0);
  await ask(env.DATA_DIR, 'drop table jobs');
  const ended = await runVeranda(['serve'], { env: { ...env, PORT: '0', LOG_LEVEL: 'warn' } });
  expect(ended).toEqual({ code: 1, out: '', err: 'no such table: jobs\n' });
});

test('a database of a newer version is left alone', async () => {
  const env = { DATA_DIR: await mkdtemp(join(folder, 'newer-')) };
  expect((await runVeranda(['migrate'], { env })).code).toBe(0);
  await ask(env.DATA_DIR, 'insert into schema_migrations (number, applied_at) values (999, 0)');
  const { code, err } = await runVeranda(['serve'], { env: { ...env, PORT: '0' } });
  expect(code).not.toBe(0);
  expect(err).toMatch(/^The database has schema 999, this program knows \d+: [^\n]+\n$/);
});

describe('a fault that nobody has foreseen', () => {
  /** Two signals that a test alone knows; what they do happens beside any request. */
  const planted = `
    process.on('SIGUSR2', () => void Promise.reject(new Error('a planted rejection')));
    process.on('SIGWINCH', () => { throw new Error('a planted exception'); });`;

  test.each([
    ['SIGUSR2', 'a planted rejection'],
    ['SIGWINCH', 'a planted exception'],
  ] as const)(
    'ends the process, and it starts anew with all that was answered (%s)',
    async (signal, fault) => {
      const NODE_OPTIONS = `--import data:text/javascript,${encodeURIComponent(planted)}`;
      await using site = await spawnServer({ NODE_OPTIONS });
      const person = await signUp(site.base);
      const postId = await say(site.base, person, 'kept');
      expect(await site.end(signal)).toEqual({ code: 1, signal: null });
      const [line = '{}'] = site.lines.filter((text) => text.includes(fault));
      expect(JSON.parse(line)).toMatchObject({
        level: 60,
        msg: 'the process ends after an unexpected error',
        err: { message: fault, stack: expect.any(String) },
      });
      await site.restart();
      expect((await call(site.base, `/api/posts/post/${postId}/`)).json.description).toBe('kept');
      expect((await call(site.base, '/api/users/author/', { token: person.access })).status).toBe(200);
    },
  );
});

describe('SIGTERM', () => {
  test('lets a request finish, says goodbye to sockets, refuses new ones, and ends with 0', async () => {
    await using site = await spawnServer();
    const socket = new WebSocket(`${site.base.replace('http', 'ws')}/ws/posts/likes/`);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const slow = await beginSignUp(site);

    const ended = site.end('SIGTERM');
    expect((await closed)[0]).toBe(1001);
    await expect(fetch(site.base)).rejects.toThrow('fetch failed');
    slow.finish();
    expect(await slow.answer).toMatch(/HTTP\/1\.1 201 .*"username":"patient"/s);
    const answered = performance.now();
    expect(await ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - answered).toBeLessThan(4_000);
    expect(await ask(site.dataDir, 'select username from users')).toEqual([{ username: 'patient' }]);
  });

  test('waits for a request that never ends no longer than SHUTDOWN_GRACE', async () => {
    await using site = await spawnServer({ SHUTDOWN_GRACE: '500ms' });
    const stalled = await beginSignUp(site);
    const started = performance.now();
    expect(await site.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(await stalled.answer).not.toContain('HTTP/1.1 201');
  });

  test('a second time ends it at once', async () => {
    await using site = await spawnServer({ SHUTDOWN_GRACE: '1h' });
    const socket = new WebSocket(`${site.base.replace('http', 'ws')}/ws/posts/likes/`);
    await once(socket, 'open');
    const closed = once(socket, 'close');
    await beginSignUp(site);
    site.process.kill('SIGTERM');
    await closed;
    const started = performance.now();
    expect(await site.end('SIGTERM')).toEqual({ code: 143, signal: null });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('and SIGINT alike', async () => {
    await using site = await spawnServer();
    expect(await site.end('SIGINT')).toEqual({ code: 0, signal: null });
  });
});

/** A sign-up of which the server has the head, and has said so, but only half of the body. */
async function beginSignUp({ base }: ServerProcess): Promise<{ finish(): void; answer: Promise<string> }> {
  const body = JSON.stringify({
    username: 'patient',
    first_name: 'Pat',
    last_name: 'Ient',
    email: 'patient@example.org',
    password: 'Quiet-Harbour-41',
  });
  const { hostname, port } = new URL(base);
  const socket: Socket = connect({ host: hostname, port: Number(port) });
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (piece) => (text += piece.toString()));
  const answer = once(socket, 'close').then(() => text);
  const head = [
    'POST /api/users/user/register/ HTTP/1.1',
    'Host: localhost',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  socket.write(body.slice(0, 20));
  return { finish: () => void socket.write(body.slice(20)), answer };
}
