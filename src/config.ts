// The environment (and `.env`) becomes one frozen, validated Config. Nothing else reads process.env.
// A setting that is wrong or weak stops the start with one line that names it.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';
import {
  arrangeDatabase,
  arrangeRedis,
  arrangeStorage,
  arrangeTracing,
  engineSettings,
} from './config/engines.ts';
import { ConfigError, TemporaryFailure } from './config/error.ts';
import {
  refuseHosts,
  refuseOrigins,
  refusePictureFormats,
  refuseProxies,
  refuseRoles,
  refuseVideoSizes,
  refuseWeakKey,
} from './config/refusals.ts';
import { duration, list, size, whole } from './config/values.ts';

export type Config = ReturnType<typeof readConfig>;

export { ConfigError, TemporaryFailure };

type Environment = Record<string, string | undefined>;

/** `process.env` over what `.env` in the working folder says. */
export function readEnvironment(): Environment {
  const file = resolve('.env');
  return { ...(existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {}), ...process.env };
}

/** Throws ConfigError naming the first setting that cannot be used. */
export function readConfig(environment: Environment) {
  // An empty value is an unset one, but for the key: whoever names it means to have one, and every process the same.
  if (environment['SECRET_KEY']?.trim() === '')
    throw new ConfigError(
      'SECRET_KEY: is empty: use 32 or more random characters (openssl rand -hex 32), or leave it out and one is made',
    );
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(`${issue?.path.join('.') ?? 'settings'}: ${issue?.message ?? 'not valid'}`);
  }
  const config = arrange(parsed.data);
  if (config.secretKey === undefined && (config.redis || config.storage.kind === 's3'))
    throw new ConfigError(
      'SECRET_KEY: is missing; several processes need the same one (openssl rand -hex 32)',
    );
  return Object.freeze({ ...config, searchPath: environment['PATH'] ?? '' });
}

/** Leaves a processor to the requests, and half of Node's pool of four threads to files and commits. */
const HASHES_AT_ONCE = Math.min(2, Math.max(1, availableParallelism() - 1));

/** A port, or none. */
const port = z
  .string()
  .regex(/^(\d{1,5}|off)$/, 'must be a port or off')
  .transform((text) => (text === 'off' ? ('off' as const) : Number(text)));

/** What people read. */
const line = (most: number) =>
  z.string().regex(new RegExp(`^\\P{Cc}{1,${most}}$`, 'u'), `must be one line of at most ${most} characters`);

const settings = z.object({
  SECRET_KEY: z.string().optional().superRefine(refuseWeakKey),
  HOST: z.string().default('localhost'),
  PORT: whole(8000, { min: 0, max: 65_535 }),
  ROLES: list('serve,work').superRefine(refuseRoles),
  METRICS_HOST: z.string().default('localhost'),
  METRICS_PORT: port.optional(),
  DATA_DIR: z.string().default('data'),
  ALLOWED_HOSTS: list('localhost,127.0.0.1,[::1]').superRefine(refuseHosts),
  CORS_ALLOWED_ORIGINS: list('http://localhost:3000').superRefine(refuseOrigins),
  TRUSTED_PROXIES: list('').superRefine(refuseProxies),
  ...engineSettings,
  FFMPEG_PATH: z.string().optional(),
  FFPROBE_PATH: z.string().optional(),
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be one of trace, debug, info, warn, error, fatal, silent',
    )
    .default('info'),
  SITE_NAME: line(40).default('Veranda'),
  SITE_CONTACT: line(200).default(''),
  SIGN_UP: z.enum(['open', 'closed'], 'must be open or closed').default('open'),
  ACCESS_TOKEN_LIFETIME: duration('2h'),
  REFRESH_TOKEN_LIFETIME: duration('24h'),
  SESSION_LIFETIME: duration('90d'),
  RATE_LIMIT_FACTOR: z
    .string()
    .default('1')
    .transform(Number)
    .refine((value) => value > 0 && value <= 1_000_000, 'must be a number above 0'),
  HASH_CONCURRENCY: whole(HASHES_AT_ONCE, { min: 1, max: 64 }),
  MAX_POST_CHARACTERS: whole(10_000, { min: 1, max: 1_000_000 }),
  MAX_COMMENT_CHARACTERS: whole(5_000, { min: 1, max: 1_000_000 }),
  MAX_MEDIA_PER_POST: whole(20, { min: 1, max: 1_000 }),
  MAX_PICTURE_SIZE: size('20MiB'),
  MAX_VIDEO_SIZE: size('4GiB'),
  MAX_CHUNK_SIZE: size('8MiB'),
  MAX_VIDEO_DURATION: duration('4h'),
  UPLOAD_LIFETIME: duration('7d'),
  RESUMABLE_UPLOADS_DRAFT: z.enum(['on', 'off'], 'must be on or off').default('off'),
  MAX_UPLOAD_PER_DAY: size('20GiB'),
  MAX_STORAGE_PER_PERSON: size('100GiB'),
  VIDEO_SIZES: list('240,360,480,720,1080').superRefine(refuseVideoSizes),
  PICTURE_FORMATS: list('webp,avif').superRefine(refusePictureFormats),
  VIDEO_CONCURRENCY: whole(1, { min: 1, max: 64 }),
  POST_CACHE_SIZE: size('64MiB'),
  MAX_SOCKETS_PER_ADDRESS: whole(500, { min: 1, max: 1_000_000 }),
  HEADERS_TIMEOUT: duration('10s', '1h'),
  BODY_TIMEOUT: duration('30s', '1h'),
  IDLE_TIMEOUT: duration('60s', '1h'),
  KEEP_ALIVE_TIMEOUT: duration('75s', '1h'),
  MIN_FREE_DISK: size('256MiB'),
  DRAIN_DELAY: duration('0s', '1h', 0),
  SHUTDOWN_GRACE: duration('8s', '1h'),
});

function arrange(given: z.infer<typeof settings>) {
  const dataDir = resolve(given.DATA_DIR);
  return {
    secretKey: given.SECRET_KEY,
    host: given.HOST,
    port: given.PORT,
    dataDir,
    allowedHosts: given.ALLOWED_HOSTS.map((host) => host.toLowerCase()),
    allowedOrigins: given.CORS_ALLOWED_ORIGINS,
    trustedProxies: given.TRUSTED_PROXIES,
    database: arrangeDatabase(given, dataDir),
    redis: arrangeRedis(given),
    storage: arrangeStorage(given, dataDir),
    roles: { serve: given.ROLES.includes('serve'), work: given.ROLES.includes('work') },
    tracing: arrangeTracing(given),
    metrics: { host: given.METRICS_HOST, port: given.METRICS_PORT },
    ffmpegPath: given.FFMPEG_PATH,
    ffprobePath: given.FFPROBE_PATH,
    logLevel: given.LOG_LEVEL,
    site: { name: given.SITE_NAME, contact: given.SITE_CONTACT },
    signUp: given.SIGN_UP,
    tokens: {
      accessLifetimeMs: given.ACCESS_TOKEN_LIFETIME,
      refreshLifetimeMs: given.REFRESH_TOKEN_LIFETIME,
      sessionLifetimeMs: given.SESSION_LIFETIME,
    },
    rateLimitFactor: given.RATE_LIMIT_FACTOR,
    hashConcurrency: given.HASH_CONCURRENCY,
    resumableUploadsDraft: given.RESUMABLE_UPLOADS_DRAFT === 'on',
    postCacheBytes: given.POST_CACHE_SIZE,
    limits: {
      postCharacters: given.MAX_POST_CHARACTERS,
      commentCharacters: given.MAX_COMMENT_CHARACTERS,
      mediaPerPost: given.MAX_MEDIA_PER_POST,
      pictureBytes: given.MAX_PICTURE_SIZE,
      videoBytes: given.MAX_VIDEO_SIZE,
      chunkBytes: given.MAX_CHUNK_SIZE,
      videoDurationMs: given.MAX_VIDEO_DURATION,
      uploadLifetimeMs: given.UPLOAD_LIFETIME,
      uploadBytesPerDay: given.MAX_UPLOAD_PER_DAY,
      storageBytes: given.MAX_STORAGE_PER_PERSON,
      socketsPerAddress: given.MAX_SOCKETS_PER_ADDRESS,
    },
    pictureFormats: [...new Set(given.PICTURE_FORMATS)] as ('webp' | 'avif')[],
    videos: { sizes: given.VIDEO_SIZES.map(Number), concurrency: given.VIDEO_CONCURRENCY },
    timeouts: {
      headersMs: given.HEADERS_TIMEOUT,
      bodyMs: given.BODY_TIMEOUT,
      idleMs: given.IDLE_TIMEOUT,
      keepAliveMs: given.KEEP_ALIVE_TIMEOUT,
    },
    minFreeDiskBytes: given.MIN_FREE_DISK,
    drainDelayMs: given.DRAIN_DELAY,
    shutdownGraceMs: given.SHUTDOWN_GRACE,
  };
}
