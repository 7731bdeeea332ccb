// The server's life: configuration, app, listening, and an orderly end on SIGTERM or SIGINT.
import { flushCompileCache } from 'node:module';
import { constants } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp, type App } from './app.ts';
import { type Config, ConfigError, TemporaryFailure } from './config.ts';
import { openOperations, type Operations } from './operations.ts';
import { placeOf, UnusablePostgres } from './platform/database/settings.ts';
import { UnusableFfmpeg } from './platform/ffmpeg/find.ts';
import { createLogger, type Logger } from './platform/logger.ts';
import type { Metrics } from './platform/metrics/metrics.ts';
import { openMetrics } from './platform/metrics/open.ts';
import { BrokenSecretKey } from './platform/secret-key.ts';
import { UnusableStorage } from './platform/storage/unusable.ts';
import { openTracing } from './platform/tracing/open.ts';
import type { Tracing } from './platform/tracing/tracing.ts';

/** Serves until a signal comes; answers the exit code. Throws ConfigError or TemporaryFailure with one clear line for what an operator can mend. */
export async function serve(config: Config, print: (line: string) => void): Promise<number> {
  const logger = createLogger(config.logLevel);
  // Going on after a bug of unknown reach could corrupt; whatever was acknowledged is safe, so a new start is.
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'the process ends after an unexpected error');
    process.exit(1);
  });
  // Listened for from the beginning, so that a signal right after the start, or during it, finds an orderly end too.
  const signalled = nextSignal();
  await using opened = new AsyncDisposableStack();
  const metrics = await openMetrics({ isOn: config.metrics.port !== 'off' });
  const tracing = opened.use(await openTracing(config.tracing));
  const app = await start(config, { ...{ logger, print, metrics, tracing, signalled }, opened });
  const signal = await signalled;
  logger.info({ signal }, 'stopping');
  void nextSignal().then((second) => process.exit(128 + constants.signals[second]));
  await drain(app, config.drainDelayMs);
  // A connection whose request was under way stays open after its answer, for more that must not come.
  const tidying = setInterval(() => app.server.server.closeIdleConnections(), 100);
  const forced = setTimeout(() => app.server.server.closeAllConnections(), config.shutdownGraceMs);
  await app[Symbol.asyncDispose]();
  clearInterval(tidying);
  clearTimeout(forced);
  logger.info('stopped');
  return 0;
}

/** Jobs go to other processes at once; requests are taken until whoever sends them has had time to see that they should not. */
async function drain({ health, worker }: App, delayMs: number): Promise<void> {
  health.drain();
  void worker.stop();
  await delay(delayMs);
}

interface Start {
  logger: Logger;
  print: (line: string) => void;
  metrics: Metrics;
  tracing: Tracing;
  signalled: Promise<NodeJS.Signals>;
  /** What outlives the app. */
  opened: AsyncDisposableStack;
}

async function start(
  config: Config,
  { logger, print, metrics, tracing, signalled, opened }: Start,
): Promise<App> {
  let isBuilt = false;
  // It may wait an hour for tables that another node migrates. Nobody is served yet, and a transaction that ends with its
  // connection leaves nothing.
  void signalled.then((signal) => {
    if (isBuilt) return;
    logger.info({ signal }, 'stopped before the start was over');
    process.exit(0);
  });
  const app = await createApp({ config, logger, metrics, tracing }).catch((error: unknown) => {
    throw explainStart(error, config);
  });
  isBuilt = true;
  let operations: Operations;
  try {
    operations = opened.use(await openOperations(config.metrics, { health: app.health, metrics }));
    if (config.roles.serve) await app.listen(config);
    if (config.roles.work) await app.startWork();
  } catch (error) {
    await app[Symbol.asyncDispose]();
    throw explainStart(error, config);
  }
  print(describe(app, config, operations).join('\n'));
  // Written now, as a process that is killed would leave the next one to strip and compile all sources again.
  flushCompileCache();
  return app;
}

function describe(app: App, config: Config, { base }: Operations): string[] {
  const { database, storage, ffmpeg } = app.report;
  const video = config.roles.work ? describeFfmpeg(ffmpeg) : ['left to other processes'];
  return [
    ...(config.roles.serve ? describeAddress(app, config) : ['Veranda works on jobs']),
    `  database      ${database}, ${placeOf(config.database)}`,
    `  storage       ${storage}`,
    ...video.map((line, index) => `  ${index === 0 ? 'video       ' : '            '}  ${line}`),
    `  limits        pictures ${inMebibytes(config.limits.pictureBytes)}, videos ${inMebibytes(config.limits.videoBytes)}, rates × ${config.rateLimitFactor}`,
    `  hosts         ${config.allowedHosts.join(', ')}`,
    `  origins       ${config.allowedOrigins.join(', ')}`,
    `  metrics       ${base === undefined ? 'off' : `${base}/metrics`}`,
  ];
}

function describeAddress(app: App, config: Config): string[] {
  const address = app.server.server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  const name = config.host.includes(':') ? `[${config.host}]` : config.host;
  return [`Veranda serves on http://${name}:${port}`, `  live updates  ws://${name}:${port}/ws/posts/`];
}

const inMebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

function describeFfmpeg(ffmpeg: App['report']['ffmpeg']): string[] {
  if (!ffmpeg) return ['no ffmpeg found: videos are kept and played as they come, without adaptive streams'];
  const { network, files, limits } = ffmpeg.sandbox;
  const lines = [
    `ffmpeg ${ffmpeg.version} (network ${network}, files ${files}, limits ${limits ? 'on' : 'off'})`,
  ];
  if (ffmpeg.bundled) lines.push('warning: an old build from npm; install ffmpeg for files of strangers');
  return lines;
}

/** The faults of a start that an operator can mend or wait out, as one line that names the setting; others as they are. */
export function explainStart(error: unknown, config: Config): unknown {
  if (error instanceof UnusableFfmpeg) {
    return new ConfigError(`${config.ffmpegPath ? 'FFMPEG_PATH' : 'FFPROBE_PATH'}: ${error.message}`);
  }
  if (error instanceof BrokenSecretKey) return new ConfigError(`SECRET_KEY: ${error.message}`);
  if (error instanceof UnusableStorage)
    return tell(`${STORAGE_SETTINGS[error.setting]}: ${error.message}`, error.passes);
  const refused = explainPostgres(error, config);
  if (refused) return refused;
  const code = read(error, 'code');
  const sentence = SENTENCES[code];
  if (!sentence || (sentence === noAddress && !isOfListening(error, config))) return error;
  return tell(sentence(findPlace(error, config), config), PASSING.has(code));
}

const tell = (line: string, passes: boolean): Error =>
  passes ? new TemporaryFailure(line) : new ConfigError(line);

/** Of the codes below: whoever starts the program again later may find it gone. */
const PASSING = new Set([
  ...['EADDRINUSE', 'EAI_AGAIN'],
  ...['database_unavailable', 'database_busy', 'database_read_only', 'tables_in_use'],
  ...['ENOSPC', 'SQLITE_FULL', 'storage_full', 'SQLITE_IOERR_SHMSIZE'],
]);

const STORAGE_SETTINGS: Record<UnusableStorage['setting'], string> = {
  endpoint: 'S3_ENDPOINT',
  bucket: 'S3_BUCKET',
  region: 'S3_REGION',
  accessKeyId: 'S3_ACCESS_KEY_ID',
  secretAccessKey: 'S3_SECRET_ACCESS_KEY',
};

const SENTENCES: Record<string, (place: string, config: Config) => string> = {
  EADDRINUSE: (_, { host, port }) => `PORT: ${port} on ${host} is in use by another program`,
  EADDRNOTAVAIL: noAddress,
  ENOTFOUND: noAddress,
  EAI_AGAIN: noAddress,
  EACCES: (place) => `${place} may not be used by this user`,
  EPERM: (place) => `${place} may not be used by this user`,
  EROFS: (place) => `${place} cannot be written`,
  SQLITE_READONLY: (place) => `${place} cannot be written`,
  SQLITE_CANTOPEN: (place) => `${place} cannot be opened`,
  SQLITE_NOTADB: (place) => `${place} is not a database of SQLite`,
  SQLITE_CORRUPT: (place) => `${place} is damaged; bring back a backup`,
  ENOENT: (place) => `${place} cannot be made`,
  ENOTDIR: (place) => `${place} is not a folder, or lies below something that is none`,
  EEXIST: (place) => `${place} is not a folder`,
  EISDIR: (place) => `${place} is a folder where a file should be`,
  ENOSPC: (place) => `${place} is on a disk that is full`,
  SQLITE_FULL: (place) => `${place} is on a disk that is full`,
  database_busy: (place) => `${place} has a database that another program keeps writing to`,
  storage_full: (place) => `${place} is on a disk that is full`,
  // What SQLite's shared memory says where not even a page is left.
  SQLITE_IOERR_SHMSIZE: (place) => `${place} is on a disk that is full`,
};

function noAddress(_: string, { host }: Config): string {
  return `HOST: ${host} is no address of this machine`;
}

/** A name that is not known, or an address of elsewhere, may be of whoever this program calls as well. */
function isOfListening(error: unknown, { host }: Config): boolean {
  return read(error, 'syscall') === 'listen' || read(error, 'hostname') === host;
}

/** The setting that led to the fault, with its value. */
function findPlace(error: unknown, { host, port, dataDir, database }: Config): string {
  if (read(error, 'syscall') === 'listen') return `PORT: ${port} on ${host}`;
  const path = read(error, 'path');
  if (database.engine === 'postgres') return `DATA_DIR: ${dataDir}`;
  const ofDatabase = path.startsWith(dirname(database.path)) || read(error, 'code').startsWith('SQLITE_');
  const elsewhere = !database.path.startsWith(dataDir);
  return ofDatabase && elsewhere ? `DATABASE_URL: ${database.path}` : `DATA_DIR: ${dataDir}`;
}

/** What PostgreSQL says of a site that it does not let in. */
const REFUSALS: Record<string, string> = {
  '28P01': 'the password is not the right one',
  '28000': 'this user is not let in',
  '3D000': 'there is no such database',
  '42501': 'this user may not make tables there',
  database_read_only: 'it is read only',
  database_unavailable: 'it cannot be reached',
  database_busy: 'it is too busy to answer in time',
  tables_in_use: 'its tables are held by something, such as a backup or a long query, and cannot be changed',
};

function explainPostgres(error: unknown, config: Config): Error | undefined {
  if (config.database.engine !== 'postgres') return undefined;
  const code = read(error, 'code');
  const reason = error instanceof UnusablePostgres ? error.message : REFUSALS[code];
  return reason === undefined
    ? undefined
    : tell(`DATABASE_URL: PostgreSQL at ${placeOf(config.database)}: ${reason}`, PASSING.has(code));
}

function read(error: unknown, key: string): string {
  const value: unknown = error instanceof Error ? Reflect.get(error, key) : undefined;
  return typeof value === 'string' ? value : '';
}

function nextSignal(): Promise<'SIGTERM' | 'SIGINT'> {
  return new Promise((resolve) => {
    const settle = (signal: 'SIGTERM' | 'SIGINT') => (): void => {
      process.off('SIGTERM', onTerm);
      process.off('SIGINT', onInt);
      resolve(signal);
    };
    const onTerm = settle('SIGTERM');
    const onInt = settle('SIGINT');
    process.once('SIGTERM', onTerm);
    process.once('SIGINT', onInt);
  });
}
