// A PostgreSQL cluster of its own for a test, in a temporary folder on a free port, gone with the test.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PostgresSettings } from '../../src/platform/database/settings.ts';
import { findTools } from './tools.ts';

export interface TestPostgres extends AsyncDisposable {
  /** Of an empty database, as a superuser. */
  readonly url: string;
  readonly folder: string;
  /** `immediate` is as good as a crash. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
  /** Again, after a stop. */
  start(): Promise<void>;
}

/** What a process that works on the database at `url` is told of it. */
export const settingsOf = (url: string): PostgresSettings => ({
  ...{ engine: 'postgres', url, tls: 'off', poolSize: 10, preparedStatements: true },
  ...{ statementTimeoutMs: 10_000, idleTransactionTimeoutMs: 10_000 },
});

/**
 * With `tls` it has a certificate of its own, `server.crt` in `folder`; `settings` as in `fsync=on`. As root it runs as the user `postgres`,
 * since PostgreSQL refuses to be root.
 */
export async function startPostgres({
  tls = false,
  settings: more = [],
}: { tls?: boolean; settings?: readonly string[] } = {}): Promise<TestPostgres> {
  const { postgres } = findTools();
  const folder = await mkdtemp(join(tmpdir(), 'veranda-postgres-'));
  const user = await findUser();
  if (user) await chown(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const options = { ...user, cwd: folder, env: { PATH: process.env['PATH'] } };
  const made = spawnSync(
    join(dirname(postgres), 'initdb'),
    ['-D', data, '-U', 'tester', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { ...options, encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr}`);

  const port = await findFreePort();
  const settings = [
    ...['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`],
    ...['fsync=off', 'max_connections=500'],
    ...(tls ? await prepareTls(folder, user) : []),
    ...more,
  ];
  async function launch(): Promise<ChildProcess> {
    const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
    const started = spawn(postgres, args, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
    await waitUntilReady(started);
    return started;
  }
  let child = await launch();
  async function stop(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
  return {
    ...{ url: `postgres://tester@127.0.0.1:${port}/postgres`, folder },
    // Its signals (postgres(1)): SIGINT breaks connections off and writes everything down, SIGQUIT is a crash.
    stop: (mode) => stop(mode === 'fast' ? 'SIGINT' : 'SIGQUIT'),
    async start() {
      child = await launch();
    },
    async [Symbol.asyncDispose]() {
      await stop('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function prepareTls(folder: string, user: { uid: number; gid: number } | undefined): Promise<string[]> {
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')];
  const made = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate],
    ],
    { encoding: 'utf8' },
  );
  if (made.status !== 0) throw new Error(`openssl failed: ${made.error?.message ?? made.stderr}`);
  if (user) await chown(key, user.uid, user.gid);
  await chmod(key, 0o600);
  return ['ssl=on', `ssl_key_file=${key}`, `ssl_cert_file=${certificate}`];
}

async function findUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const line = /^postgres:[^:]*:(\d+):(\d+):/m.exec(await readFile('/etc/passwd', 'utf8'));
  if (!line) throw new Error('PostgreSQL does not run as root, and there is no user "postgres" here');
  return { uid: Number(line[1]), gid: Number(line[2]) };
}

async function waitUntilReady(child: ChildProcess): Promise<void> {
  const ready = Promise.withResolvers<void>();
  const lines: string[] = [];
  if (child.stderr) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line);
      if (line.includes('ready to accept connections')) ready.resolve();
    });
  }
  child.once('error', ready.reject);
  child.once('exit', () => ready.reject(new Error(`PostgreSQL ended:\n${lines.join('\n')}`)));
  await ready.promise;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
