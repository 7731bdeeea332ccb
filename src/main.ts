// The server's life: configuration, app, listening, and an orderly end on SIGTERM or SIGINT.
import { constants } from 'node:os';
import { createApp, type App } from './app.ts';
import { type Config, ConfigError } from './config.ts';
import { createLogger, type Logger } from './platform/logger.ts';

/** Serves until a signal comes; answers the exit code. Throws ConfigError or StartError with one clear line. */
export async function serve(config: Config, print: (line: string) => void): Promise<number> {
  const logger = createLogger(config.logLevel);
  // Going on after a bug of unknown reach could corrupt; whatever was acknowledged is safe, so a new start is.
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'the process ends after an unexpected error');
    process.exit(1);
  });
  const app = await start(config, { logger, print });
  const signal = await nextSignal();
  logger.info({ signal }, 'stopping');
  const forced = setTimeout(() => app.server.server.closeAllConnections(), config.shutdownGraceMs);
  void nextSignal().then((second) => process.exit(128 + constants.signals[second]));
  await app[Symbol.asyncDispose]();
  clearTimeout(forced);
  logger.info('stopped');
  return 0;
}

async function start(
  config: Config,
  { logger, print }: { logger: Logger; print: (line: string) => void },
): Promise<App> {
  const app = await createApp({ config, logger }).catch((error: unknown) => {
    throw explain(error, config);
  });
  try {
    await app.server.listen({ host: config.host, port: config.port });
  } catch (error) {
    await app[Symbol.asyncDispose]();
    throw explain(error, config);
  }
  await app.startWork();
  for (const line of describe(app, config)) print(line);
  return app;
}

function describe(app: App, config: Config): string[] {
  const { database, storage, ffmpeg } = app.report;
  const address = app.server.server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  const name = config.host.includes(':') ? `[${config.host}]` : config.host;
  const gigabytes = (bytes: number): string => `${Math.round(bytes / 1e7) / 100} GB`;
  return [
    `Veranda serves on http://${name}:${port}`,
    `  live updates  ws://${name}:${port}/ws/posts/likes/`,
    `  database      ${database}, ${config.database.path}`,
    `  storage       ${storage}`,
    ...describeFfmpeg(ffmpeg).map(
      (line, index) => `  ${index === 0 ? 'video       ' : '            '}  ${line}`,
    ),
    `  limits        pictures ${gigabytes(config.limits.pictureBytes)}, videos ${gigabytes(config.limits.videoBytes)}, rates × ${config.rateLimitFactor}`,
    `  hosts         ${config.allowedHosts.join(', ')}`,
    `  origins       ${config.allowedOrigins.join(', ')}`,
  ];
}

function describeFfmpeg(ffmpeg: App['report']['ffmpeg']): string[] {
  if (!ffmpeg) return ['no ffmpeg found: videos are kept and played as they come, without adaptive streams'];
  const { network, files, limits } = ffmpeg.sandbox;
  const lines = [
    `ffmpeg ${ffmpeg.version} (network ${network}, files ${files}, limits ${limits ? 'on' : 'off'})`,
  ];
  if (ffmpeg.bundled) lines.push('warning: an old build from npm; install ffmpeg for files of strangers');
  return lines;
}

/** The faults of a start that an operator can mend, in one line. */
function explain(error: unknown, config: Config): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return new ConfigError(`PORT: ${config.port} on ${config.host} is in use by another program`);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_READONLY':
      return new ConfigError(
        `DATA_DIR: ${config.dataDir} cannot be written, or the port not opened (${code})`,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new ConfigError(`DATA_DIR: ${config.dataDir} is not a folder`);
    case 'ENOSPC':
    case 'SQLITE_FULL':
      return new ConfigError(`DATA_DIR: the disk of ${config.dataDir} is full`);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigError(`HOST: ${config.host} is no address of this machine`);
    default:
      return error;
  }
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
