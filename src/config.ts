// The environment (and `.env`) becomes one frozen, validated Config. Nothing else reads process.env.
// A setting that is wrong or weak stops the start with one line that names it.
import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { z } from 'zod';

export type Config = ReturnType<typeof readConfig>;

/** A setting that cannot be used; the message is one line that names it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

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
  refuseUnsupported(given);
  const parsed = settings.safeParse(given);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new ConfigError(`${issue?.path.join('.') ?? 'settings'}: ${issue?.message ?? 'not valid'}`);
  }
  return Object.freeze({ ...arrange(parsed.data), searchPath: environment['PATH'] ?? '' });
}

/** Leaves a processor to the requests, and half of Node's pool of four threads to files and commits. */
const HASHES_AT_ONCE = Math.min(2, Math.max(1, availableParallelism() - 1));

const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = {
  '': 1,
  b: 1,
  kb: 1_000,
  mb: 1_000_000,
  gb: 1_000_000_000,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
} as const;

/** `90s`, `2h`, `7d`; milliseconds inside. */
const duration = (fallback: string, longest: keyof typeof LONGEST = '3650d') =>
  z
    .string()
    .default(fallback)
    .transform((text, context) =>
      withUnit({ text, context, units: DURATION_UNITS, example: '90s, 15m, 2h or 7d' }),
    )
    .refine((milliseconds) => milliseconds <= LONGEST[longest], `may be at most ${longest}`);

// A timer of Node's ends at once when it is asked to wait for more than 24 days.
const LONGEST = { '3650d': 3_650 * DURATION_UNITS.d, '1h': DURATION_UNITS.h };

/** `20MiB`, `4GB` or a number of bytes. */
const size = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) =>
      withUnit({ text, context, units: SIZE_UNITS, example: '500000, 20MiB or 4GB' }),
    );

const list = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) =>
      text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    );

const whole = (fallback: number, { min, max }: { min: number; max: number }) =>
  z
    .string()
    .regex(/^\d{1,12}$/, `must be a whole number from ${min} to ${max}`)
    .default(String(fallback))
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

const settings = z.object({
  SECRET_KEY: z.string().optional().superRefine(refuseWeakKey),
  HOST: z.string().default('localhost'),
  PORT: whole(8000, { min: 0, max: 65_535 }),
  DATA_DIR: z.string().default('data'),
  ALLOWED_HOSTS: list('localhost,127.0.0.1,[::1]').superRefine(refuseHosts),
  CORS_ALLOWED_ORIGINS: list('http://localhost:3000').superRefine(refuseOrigins),
  TRUSTED_PROXIES: list('').superRefine(refuseProxies),
  DATABASE_URL: z.string().optional(),
  FFMPEG_PATH: z.string().optional(),
  FFPROBE_PATH: z.string().optional(),
  LOG_LEVEL: z
    .enum(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
      'must be one of trace, debug, info, warn, error, fatal, silent',
    )
    .default('info'),
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
  MAX_UPLOAD_PER_DAY: size('20GiB'),
  MAX_STORAGE_PER_PERSON: size('100GiB'),
  VIDEO_SIZES: list('360,720').superRefine(refuseVideoSizes),
  VIDEO_CONCURRENCY: whole(1, { min: 1, max: 64 }),
  POST_CACHE_SIZE: size('64MiB'),
  MAX_SOCKETS_PER_ADDRESS: whole(500, { min: 1, max: 1_000_000 }),
  HEADERS_TIMEOUT: duration('10s', '1h'),
  BODY_TIMEOUT: duration('30s', '1h'),
  IDLE_TIMEOUT: duration('60s', '1h'),
  KEEP_ALIVE_TIMEOUT: duration('75s', '1h'),
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
    database: { engine: 'sqlite', path: sqlitePath(given.DATABASE_URL, dataDir) } as const,
    storage: { kind: 'local', folder: dataDir } as const,
    ffmpegPath: given.FFMPEG_PATH,
    ffprobePath: given.FFPROBE_PATH,
    logLevel: given.LOG_LEVEL,
    tokens: {
      accessLifetimeMs: given.ACCESS_TOKEN_LIFETIME,
      refreshLifetimeMs: given.REFRESH_TOKEN_LIFETIME,
      sessionLifetimeMs: given.SESSION_LIFETIME,
    },
    rateLimitFactor: given.RATE_LIMIT_FACTOR,
    hashConcurrency: given.HASH_CONCURRENCY,
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
    videos: { sizes: given.VIDEO_SIZES.map(Number), concurrency: given.VIDEO_CONCURRENCY },
    timeouts: {
      headersMs: given.HEADERS_TIMEOUT,
      bodyMs: given.BODY_TIMEOUT,
      idleMs: given.IDLE_TIMEOUT,
      keepAliveMs: given.KEEP_ALIVE_TIMEOUT,
    },
    shutdownGraceMs: given.SHUTDOWN_GRACE,
  };
}

function withUnit(options: {
  text: string;
  context: z.RefinementCtx;
  units: Record<string, number>;
  example: string;
}): number {
  const match = /^(\d{1,15})\s*([a-z]*)$/.exec(options.text.trim().toLowerCase());
  const factor = match ? options.units[match[2] ?? ''] : undefined;
  if (match && factor !== undefined && Number(match[1]) > 0) return Number(match[1]) * factor;
  options.context.addIssue({ code: 'custom', message: `must look like ${options.example}` });
  return z.NEVER;
}

/** OWASP ASVS 11.2.3: at least 128 bits; a key that is printed in some example is no secret. */
function refuseWeakKey(key: string | undefined, context: z.RefinementCtx): void {
  if (key === undefined) return;
  const weak =
    key.length < 32 ||
    new Set(key).size < 10 ||
    /change.?me|example|insecure|your.?secret|replace/i.test(key);
  if (weak) {
    context.addIssue({
      code: 'custom',
      message:
        'is too weak: use 32 or more random characters (openssl rand -hex 32), or leave it out and one is made',
    });
  }
}

function refuseHosts(hosts: string[], context: z.RefinementCtx): void {
  for (const host of hosts) {
    if (host !== '*' && !/^(\.?[a-z0-9.-]+|\[[0-9a-f:.]+\])$/i.test(host)) {
      context.addIssue({
        code: 'custom',
        message: `"${host}" is not a host name (no scheme, no port; .example.org means all its subdomains)`,
      });
    }
  }
}

function refuseOrigins(origins: string[], context: z.RefinementCtx): void {
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      context.addIssue({
        code: 'custom',
        message: `"${origin}" is not an origin such as https://app.example.org`,
      });
    }
  }
}

/** Addresses, networks in CIDR form, or the three names that Fastify knows. */
function refuseProxies(proxies: string[], context: z.RefinementCtx): void {
  for (const proxy of proxies) {
    const [address = '', bits, ...rest] = proxy.split('/');
    const longest = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
    const fits = bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= longest);
    const known = ['loopback', 'linklocal', 'uniquelocal'].includes(proxy);
    if (!known && (longest === 0 || !fits || rest.length > 0)) {
      context.addIssue({
        code: 'custom',
        message: `"${proxy}" is not an address or a network such as 10.0.0.0/8`,
      });
    }
  }
}

function refuseVideoSizes(sizes: string[], context: z.RefinementCtx): void {
  const fine =
    sizes.length > 0 &&
    sizes.every((text) => /^\d{3,4}$/.test(text) && Number(text) % 2 === 0 && Number(text) <= 2160);
  if (!fine)
    context.addIssue({
      code: 'custom',
      message: 'must list even picture heights up to 2160, such as 360,720,1080',
    });
}

function sqlitePath(url: string | undefined, dataDir: string): string {
  if (url === undefined) return resolve(dataDir, 'veranda.db');
  return resolve(url.replace(/^(sqlite|file):(\/\/)?/, ''));
}

/** One process on SQLite is what this version runs on; a setting for more must not be ignored in silence. */
function refuseUnsupported(given: Environment): void {
  const url = given['DATABASE_URL'];
  if (url !== undefined && !/^(sqlite|file):(\/\/)?./.test(url)) {
    throw new ConfigError(
      'DATABASE_URL: this version keeps its data in SQLite; use sqlite:<path> or leave it out',
    );
  }
  for (const name of ['DB_HOST', 'DB_PORT', 'DB_NAME', 'DB_USER', 'DB_PASSWORD']) {
    if (given[name] !== undefined)
      throw new ConfigError(`${name}: this version keeps its data in SQLite, not PostgreSQL; leave it out`);
  }
  if (given['REDIS_URL'] !== undefined)
    throw new ConfigError('REDIS_URL: this version runs as one process and needs no Redis; leave it out');
}
