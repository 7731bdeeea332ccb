// One JSON line per event on standard output. What could sign somebody in is cut out wherever it stands.
import { type Logger as PinoLogger, pino } from 'pino';

export type Logger = PinoLogger;

const SECRETS = [
  'authorization',
  'password',
  'token',
  'access',
  'refresh',
  'accessToken',
  'refreshToken',
  'secretKey',
  'cookie',
];

export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    redact: { paths: SECRETS.flatMap((name) => [name, `*.${name}`]), remove: true },
  };
  return destination ? pino(options, destination) : pino(options);
}
