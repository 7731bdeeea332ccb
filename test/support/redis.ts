// A Redis of its own for a test, on a free port of the loopback, which keeps nothing on the disk.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connectRedis, type RedisConnection } from '../../src/platform/redis/connection.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { findTools } from './tools.ts';

export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Kills it: what it knew is lost, and connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** Connections stay, nothing is answered. */
  pause(): void;
  resume(): void;
}

/** `settings` as on the command line of redis-server. */
export async function startRedis(settings: readonly string[] = []): Promise<TestRedis> {
  const { redis } = findTools();
  const folder = await mkdtemp(join(tmpdir(), 'veranda-redis-'));
  const port = await findFreePort();
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const bound = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder];
    const fleeting = ['--save', '', '--appendonly', 'no'];
    child = spawn(redis, [...bound, ...fleeting, ...settings], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await waitUntilReady(child);
  }

  async function kill(): Promise<void> {
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    child = undefined;
  }

  await start();
  return {
    ...{ url: `redis://127.0.0.1:${port}`, port, start, kill },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface TestConnection extends AsyncDisposable {
  readonly redis: RedisConnection;
  /** What it logged. */
  readonly lines: { level: number; msg: string; reason?: string }[];
  /** Resolves once both links are up, or down. */
  until(state: 'up' | 'down'): Promise<void>;
}

/** The connections of one node. */
export function connect(url: string, { prefix = 'test', now = Date.now } = {}): TestConnection {
  const lines: TestConnection['lines'] = [];
  const logger = createLogger('info', { write: (line) => void lines.push(JSON.parse(line)) });
  const redis = connectRedis({ settings: { url, prefix }, logger, now });
  return {
    ...{ redis, lines },
    until: (state) =>
      new Promise((resolve) => {
        const look = (): void => {
          const { commands, subscriptions, state: whole } = redis;
          const isKnown = commands.isKnown && subscriptions.isKnown;
          if (!isKnown || whole.up !== (state === 'up')) return;
          end();
          resolve();
        };
        const end = redis.onChange(look);
        look();
      }),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

async function waitUntilReady(child: ChildProcess): Promise<void> {
  const ready = Promise.withResolvers<void>();
  const lines: string[] = [];
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line.includes('Ready to accept connections')) ready.resolve();
    });
  }
  child.once('error', ready.reject);
  child.once('exit', () => ready.reject(new Error(`Redis ended:\n${lines.join('\n')}`)));
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
