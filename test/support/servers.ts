// A whole server for a test: inside this process, or as a process of its own that can be killed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type App, type AppOptions, createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { databaseSettings, dropDatabase } from './engines.ts';
import { knownFfmpeg } from './tools.ts';

export interface TestServer extends AsyncDisposable {
  /** e.g. `http://localhost:40123`. */
  readonly base: string;
  readonly app: App;
  readonly dataDir: string;
}

type Environment = Record<string, string>;

/** What most tests have no part in: limits, and AVIF, which takes more of the processor than all else about a picture. */
const WIDE = { RATE_LIMIT_FACTOR: '1000', PICTURE_FORMATS: 'webp' };

/** Starts a server on a free port with a data folder of its own; limits are wide, and pictures WebP, unless `env` says otherwise. */
export async function startServer(
  env: Environment = {},
  options: Omit<AppOptions, 'config' | 'logger'> = {},
): Promise<TestServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'veranda-'));
  const config = readConfig({
    PATH: process.env['PATH'],
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'silent',
    ...WIDE,
    ...(!env['DATABASE_URL'] && (await databaseSettings(dataDir, { migrated: true }))),
    ...sharedKey(env),
    ...env,
  });
  const asGiven = env['PATH'] === undefined && env['FFMPEG_PATH'] === undefined;
  const ffmpeg = asGiven ? knownFfmpeg() : undefined;
  const app = await createApp({ config, logger: createLogger('silent'), ffmpeg, ...options });
  await app.listen({ host: 'localhost', port: 0 });
  await app.startWork();
  const address = app.server.server.address();
  if (typeof address !== 'object' || !address) throw new Error('the server listens nowhere');
  return {
    base: `http://localhost:${address.port}`,
    app,
    dataDir,
    async [Symbol.asyncDispose]() {
      app.server.server.closeAllConnections();
      await app[Symbol.asyncDispose]();
      await dropDatabase(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Several processes of one site have one key. */
const sharedKey = (env: Environment): Environment =>
  env['REDIS_URL'] || env['S3_BUCKET'] ? { SECRET_KEY: '7c1f52e09ab34d8686f1c0d2e5b7a934' } : {};

export interface ServerProcess extends AsyncDisposable {
  readonly base: string;
  readonly dataDir: string;
  readonly process: ChildProcess;
  /** Every line it printed so far, on both outputs. */
  readonly lines: string[];
  /** Ends it with `signal` and answers how it ended. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Starts it again on the same port and data folder. */
  restart(): Promise<void>;
}

/** Starts a server as a process of its own, ready to answer when this resolves. */
export async function spawnServer(env: Environment = {}): Promise<ServerProcess> {
  const dataDir = await mkdtemp(join(tmpdir(), 'veranda-'));
  const port = String(await findFreePort());
  const lines: string[] = [];
  const settings = {
    PATH: process.env['PATH'],
    DATA_DIR: dataDir,
    PORT: port,
    LOG_LEVEL: 'warn',
    METRICS_PORT: 'off',
    ...WIDE,
    ...(!env['DATABASE_URL'] && (await databaseSettings(env['DATA_DIR'] ?? dataDir, { migrated: true }))),
    ...sharedKey(env),
    ...env,
  };
  let child = await launch(settings, lines);
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    }
    return { code: child.exitCode, signal: child.signalCode };
  };
  return {
    base: `http://localhost:${port}`,
    dataDir,
    lines,
    get process() {
      return child;
    },
    end,
    async restart() {
      child = await launch(settings, lines);
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      await dropDatabase(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const ENTRY = fileURLToPath(new URL('../../bin/veranda.js', import.meta.url));

async function launch(env: NodeJS.ProcessEnv, lines: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--max-semi-space-size=4', ENTRY, 'serve'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ready = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (/^Veranda (serves on|works)/.test(line)) ready.resolve();
    });
  }
  child.once('exit', (code, signal) =>
    ready.reject(new Error(`the server ended (${code ?? signal}):\n${lines.join('\n')}`)),
  );
  await ready.promise;
  return child;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, 'localhost');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
