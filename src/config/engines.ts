// Which database, storage and Redis the settings name: SQLite and the local disk unless told otherwise.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import type { DatabaseSettings } from '../platform/database/settings.ts';
import type { RedisSettings } from '../platform/redis/settings.ts';
import type { StorageSettings } from '../platform/storage/settings.ts';
import type { TracingSettings } from '../platform/tracing/tracing.ts';
import { ConfigError } from './error.ts';
import { duration, list, whole } from './values.ts';

export const engineSettings = {
  DATABASE_URL: z.string().optional(),
  DB_HOST: z.string().optional(),
  DB_PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a port')
    .optional(),
  DB_NAME: z.string().optional(),
  DB_USER: z.string().optional(),
  DB_PASSWORD: z.string().optional(),
  DATABASE_TLS: z.enum(['off', 'on', 'verify'], 'must be off, on or verify').optional(),
  DATABASE_CA: z.string().optional(),
  DATABASE_POOL_SIZE: whole(10, { min: 2, max: 1_000 }),
  DATABASE_PREPARED_STATEMENTS: z.enum(['on', 'off'], 'must be on or off').default('on'),
  DATABASE_STATEMENT_TIMEOUT: duration('15s', '1h'),
  DATABASE_IDLE_TIMEOUT: duration('15s', '1h'),
  REDIS_URL: z.string().optional(),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'may have letters, digits, ".", "_" and "-"')
    .default('veranda'),
  S3_ENDPOINT: z.string().optional(),
  S3_PUBLIC_ENDPOINT: z.string().optional(),
  S3_BUCKET: z.string().optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.string().optional(),
  OTEL_EXPORTER_OTLP_HEADERS: list('').refine(
    (pairs) => pairs.every((pair) => /^[\w-]+=(?:[ -$&-~]|%[2-7][0-9a-f])+$/i.test(pair)),
    'must look like name=value,name=value',
  ),
  OTEL_SERVICE_NAME: z.string().default('veranda'),
  S3_DELIVERY: z.enum(['through', 'redirect'], 'must be through or redirect').default('through'),
};

type Given = z.infer<z.ZodObject<typeof engineSettings>>;

export function arrangeDatabase(given: Given, dataDir: string): DatabaseSettings {
  const url = given.DATABASE_URL;
  if (url !== undefined && given.DB_HOST !== undefined)
    throw new ConfigError('DB_HOST: DATABASE_URL names a database too; leave one of them out');
  for (const name of ['DB_PORT', 'DB_NAME', 'DB_USER', 'DB_PASSWORD'] as const)
    if (given[name] !== undefined && given.DB_HOST === undefined)
      throw new ConfigError(`${name}: belongs to PostgreSQL at DB_HOST, which is missing`);
  if (url === undefined && given.DB_HOST === undefined)
    return { engine: 'sqlite', path: resolve(dataDir, 'veranda.db') };
  if (url !== undefined && /^(sqlite|file):(\/\/)?./.test(url))
    return { engine: 'sqlite', path: resolve(url.replace(/^(sqlite|file):(\/\/)?/, '')) };
  if (given.DATABASE_CA !== undefined && !existsSync(given.DATABASE_CA))
    throw new ConfigError(`DATABASE_CA: ${given.DATABASE_CA} is not there`);
  const { address, mode } = splitTls(url === undefined ? urlOfParts(given) : checkPostgresUrl(url));
  return {
    engine: 'postgres',
    url: address,
    tls: given.DATABASE_TLS ?? mode,
    ca: given.DATABASE_CA === undefined ? undefined : resolve(given.DATABASE_CA),
    poolSize: given.DATABASE_POOL_SIZE,
    preparedStatements: given.DATABASE_PREPARED_STATEMENTS === 'on',
    statementTimeoutMs: given.DATABASE_STATEMENT_TIMEOUT,
    idleTransactionTimeoutMs: given.DATABASE_IDLE_TIMEOUT,
  };
}

export function arrangeRedis({ REDIS_URL, REDIS_PREFIX }: Given): RedisSettings | undefined {
  if (REDIS_URL === undefined) return undefined;
  if (!/^rediss?:\/\/./.test(REDIS_URL) || !URL.canParse(REDIS_URL))
    throw new ConfigError('REDIS_URL: must look like redis://host:6379/0, or rediss:// for TLS');
  return { url: REDIS_URL, prefix: REDIS_PREFIX };
}

export function arrangeStorage(given: Given, dataDir: string): StorageSettings {
  if (given.S3_BUCKET === undefined && given.S3_ENDPOINT === undefined)
    return { kind: 'local', folder: dataDir };
  const publicEndpoint = given.S3_PUBLIC_ENDPOINT;
  return {
    kind: 's3',
    endpoint: needUrl('S3_ENDPOINT', need('S3_ENDPOINT', given.S3_ENDPOINT)),
    publicEndpoint: publicEndpoint && needUrl('S3_PUBLIC_ENDPOINT', publicEndpoint),
    bucket: need('S3_BUCKET', given.S3_BUCKET),
    region: given.S3_REGION,
    accessKeyId: need('S3_ACCESS_KEY_ID', given.S3_ACCESS_KEY_ID),
    secretAccessKey: need('S3_SECRET_ACCESS_KEY', given.S3_SECRET_ACCESS_KEY),
    redirect: given.S3_DELIVERY === 'redirect',
    folder: dataDir,
  };
}

export function arrangeTracing(given: Given): TracingSettings | undefined {
  const endpoint = given.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined) return undefined;
  const pairs = given.OTEL_EXPORTER_OTLP_HEADERS.map((pair) => pair.split(/=(.*)/s));
  return {
    endpoint: needUrl('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint),
    headers: Object.fromEntries(pairs.map(([name = '', value = '']) => [name, decodeURIComponent(value)])),
    serviceName: given.OTEL_SERVICE_NAME,
  };
}

function checkPostgresUrl(url: string): URL {
  if (!/^postgres(ql)?:\/\/./.test(url) || !URL.canParse(url))
    throw new ConfigError(
      'DATABASE_URL: must look like sqlite:<path> or postgres://user:password@host:5432/name',
    );
  return new URL(url);
}

/** The settings of the original. */
function urlOfParts({ DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD }: Given): URL {
  const url = new URL('postgres://localhost');
  url.hostname = DB_HOST ?? '';
  url.port = DB_PORT ?? '5432';
  url.username = encodeURIComponent(DB_USER ?? '');
  url.password = encodeURIComponent(DB_PASSWORD ?? '');
  url.pathname = `/${encodeURIComponent(DB_NAME ?? 'veranda')}`;
  return url;
}

type Tls = 'off' | 'on' | 'verify';

/** What libpq calls `sslmode` in an address that a host of databases gives out. */
const MODES: Record<string, Tls> = {
  ...{ disable: 'off', allow: 'off', prefer: 'on', require: 'on' },
  ...{ 'verify-ca': 'verify', 'verify-full': 'verify' },
};

function splitTls(url: URL): { address: string; mode: Tls } {
  const mode = url.searchParams.get('sslmode');
  url.searchParams.delete('sslmode');
  if (mode !== null && !Object.hasOwn(MODES, mode))
    throw new ConfigError('DATABASE_URL: its sslmode is none that PostgreSQL knows');
  return { address: url.href, mode: MODES[mode ?? 'disable'] ?? 'off' };
}

function need(name: string, value: string | undefined): string {
  if (value === undefined)
    throw new ConfigError(
      `${name}: is missing; an S3 store needs S3_ENDPOINT, S3_BUCKET, S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY`,
    );
  return value;
}

function needUrl(name: string, value: string): string {
  if (!/^https?:\/\/./.test(value) || !URL.canParse(value))
    throw new ConfigError(`${name}: must look like https://host.example.org`);
  return value.replace(/\/+$/, '');
}
