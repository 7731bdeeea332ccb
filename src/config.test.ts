import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

const KEY = 'f3a91c07be5d2846f3a91c07be5d2846';

/** The sentence with which a setting is refused; undefined when it is taken. */
function refusal(environment: Record<string, string>): string | undefined {
  try {
    readConfig(environment);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

const WRONG: [name: string, value: string, why: RegExp][] = [
  ['SECRET_KEY', '', /is empty/],
  ['SECRET_KEY', '  ', /is empty/],
  ['SECRET_KEY', 'short', /too weak/],
  ['SECRET_KEY', 'a'.repeat(64), /too weak/],
  ['SECRET_KEY', 'changeme-changeme-changeme-changeme-0123456789', /too weak/],
  ['SECRET_KEY', 'your-secret-key-goes-here-0123456789abcdef', /too weak/],
  ['SECRET_KEY', 'django-insecure-q3f9z!x7c2v8b1n4m6k5j0hg', /too weak/],
  ['SECRET_KEY', 'example-0123456789abcdefghijklmnopqrstuv', /too weak/],
  ['SECRET_KEY', 'replace_this_0123456789abcdefghijklmnopq', /too weak/],
  ['PORT', 'eighty', /whole number from 0 to 65535/],
  ['PORT', '65536', /whole number from 0 to 65535/],
  ['PORT', '-1', /whole number from 0 to 65535/],
  ['PORT', '80.5', /whole number from 0 to 65535/],
  ['PORT', '0x1f90', /whole number from 0 to 65535/],
  ['ALLOWED_HOSTS', 'https://site.example.org', /not a host name/],
  ['ALLOWED_HOSTS', 'site.example.org:8000', /not a host name/],
  ['ALLOWED_HOSTS', 'fine.example.org, not fine', /"not fine" is not a host name/],
  ['ALLOWED_HOSTS', '*.example.org', /not a host name/],
  ['CORS_ALLOWED_ORIGINS', '*', /not an origin/],
  ['CORS_ALLOWED_ORIGINS', 'null', /not an origin/],
  ['CORS_ALLOWED_ORIGINS', 'app.example.org', /not an origin/],
  ['CORS_ALLOWED_ORIGINS', 'https://app.example.org/', /not an origin/],
  ['CORS_ALLOWED_ORIGINS', 'http://localhost:3000,https://app.example.org/path', /not an origin/],
  ['TRUSTED_PROXIES', 'the-proxy', /not an address/],
  ['TRUSTED_PROXIES', '10.0.0.0/33', /not an address/],
  ['TRUSTED_PROXIES', '::1/129', /not an address/],
  ['TRUSTED_PROXIES', '0.0.0.0/0', /not an address/],
  ['TRUSTED_PROXIES', 'true', /not an address/],
  ['LOG_LEVEL', 'loud', /must be one of trace, debug/],
  ['ACCESS_TOKEN_LIFETIME', 'long', /must look like/],
  ['ACCESS_TOKEN_LIFETIME', '7200', /must look like/],
  ['ACCESS_TOKEN_LIFETIME', '0h', /must look like/],
  ['REFRESH_TOKEN_LIFETIME', '-24h', /must look like/],
  ['REFRESH_TOKEN_LIFETIME', '1.5d', /must look like/],
  ['SESSION_LIFETIME', '90 years', /must look like/],
  ['SESSION_LIFETIME', '999999999999999d', /at most/],
  ['UPLOAD_LIFETIME', 'week', /must look like/],
  ['RESUMABLE_UPLOADS_DRAFT', 'yes', /must be on or off/],
  ['MAX_VIDEO_DURATION', '4 hours', /must look like/],
  ['MAX_UPLOAD_PER_DAY', 'all', /must look like/],
  ['MAX_STORAGE_PER_PERSON', '1e9', /must look like/],
  ['POST_CACHE_SIZE', '-1MiB', /must look like/],
  ['HEADERS_TIMEOUT', '10', /must look like/],
  ['BODY_TIMEOUT', '0s', /must look like/],
  ['IDLE_TIMEOUT', '2h', /at most/],
  ['KEEP_ALIVE_TIMEOUT', 'never', /must look like/],
  ['MIN_FREE_DISK', '1%', /must look like/],
  ['DRAIN_DELAY', 'soon', /must look like/],
  ['DRAIN_DELAY', '2h', /at most/],
  ['SHUTDOWN_GRACE', 'soon', /must look like/],
  ['SHUTDOWN_GRACE', '30d', /at most/],
  ['RATE_LIMIT_FACTOR', '0', /number above 0/],
  ['RATE_LIMIT_FACTOR', '-1', /number above 0/],
  ['RATE_LIMIT_FACTOR', 'off', /number above 0/],
  ['RATE_LIMIT_FACTOR', 'Infinity', /number above 0/],
  ['HASH_CONCURRENCY', '0', /whole number from 1 to 64/],
  ['MAX_POST_CHARACTERS', '0', /whole number from 1/],
  ['MAX_COMMENT_CHARACTERS', 'many', /whole number from 1/],
  ['MAX_MEDIA_PER_POST', '1001', /whole number from 1 to 1000/],
  ['MAX_PICTURE_SIZE', '20 megs', /must look like/],
  ['MAX_PICTURE_SIZE', '0', /must look like/],
  ['MAX_VIDEO_SIZE', '-4GB', /must look like/],
  ['MAX_CHUNK_SIZE', '8MiB!', /must look like/],
  ['PICTURE_FORMATS', 'avif', /webp,avif/],
  ['PICTURE_FORMATS', 'webp,jxl', /webp,avif/],
  ['VIDEO_SIZES', '360p', /even picture heights/],
  ['VIDEO_SIZES', '361', /even picture heights/],
  ['VIDEO_SIZES', '4320', /even picture heights/],
  ['VIDEO_SIZES', ',', /even picture heights/],
  ['VIDEO_CONCURRENCY', '65', /whole number from 1 to 64/],
  ['MAX_SOCKETS_PER_ADDRESS', '0', /whole number from 1/],
  ['DATABASE_URL', 'mysql://user:secret@db/veranda', /postgres:/],
  ['DATABASE_URL', 'postgres://db/veranda?sslmode=perhaps', /sslmode/],
  ['DATABASE_TLS', 'yes', /off, on or verify/],
  ['DATABASE_URL', 'sqlite:', /sqlite:<path>/],
  ['DATABASE_PREPARED_STATEMENTS', 'sometimes', /on or off/],
  ['DATABASE_POOL_SIZE', '1', /whole number from 2/],
  ['DATABASE_STATEMENT_TIMEOUT', 'soon', /must look like/],
  ['DATABASE_IDLE_TIMEOUT', '2h', /at most/],
  ['S3_ENDPOINT', 'store', /must look like/],
  ['DB_PORT', '5432', /DB_HOST/],
  ['DB_PORT', 'many', /port/],
  ['DB_NAME', 'veranda', /DB_HOST/],
  ['DB_USER', 'veranda', /DB_HOST/],
  ['DB_PASSWORD', 'secret', /DB_HOST/],
  ['REDIS_URL', 'localhost:6379', /redis:/],
  ['REDIS_PREFIX', 'a b', /letters/],
  ['S3_DELIVERY', 'sometimes', /redirect/],
  ['ROLES', 'rest', /serve, work/],
  ['SIGN_UP', 'never', /open or closed/],
  ['SITE_NAME', 'x'.repeat(41), /at most 40 characters/],
  ['SITE_CONTACT', 'one\nline', /one line of at most 200/],
  ['METRICS_PORT', 'on', /off/],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'localhost:4318', /must look like/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization', /name=value/],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'authorization=%zz', /name=value/],
];

const STORE = {
  ...{ S3_ENDPOINT: 'https://store.example.org', S3_BUCKET: 'media' },
  ...{ S3_ACCESS_KEY_ID: 'id', S3_SECRET_ACCESS_KEY: 'secret' },
};

describe('a wrong or weak setting is refused with one line that names it', () => {
  test.each(WRONG)('%s=%s', (name, value, why) => {
    const line = refusal({ [name]: value });
    expect(line).toMatch(new RegExp(`^${name}: `));
    expect(line).toMatch(why);
    expect(line).not.toContain('\n');
  });

  test("and none but addresses and places of one's own can hold anything", () => {
    const sources = ['config.ts', 'config/engines.ts'].map((path) =>
      readFileSync(new URL(path, import.meta.url), 'utf8'),
    );
    const names = [...sources.join('\n').matchAll(/^ {2}([A-Z][A-Z\d_]+):/gm)].map((match) => match[1] ?? '');
    const free = [
      ...['HOST', 'DATA_DIR', 'FFMPEG_PATH', 'FFPROBE_PATH', 'METRICS_HOST', 'OTEL_SERVICE_NAME', 'DB_HOST'],
      // Below, with those that belong to them.
      ...['DATABASE_CA', 'S3_BUCKET', 'S3_REGION', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'],
      'S3_PUBLIC_ENDPOINT',
    ];
    const wrong = new Set(WRONG.map(([name]) => name));
    expect(names.filter((name) => !wrong.has(name)).toSorted()).toEqual(free.toSorted());
  });

  test.each([
    [{ REDIS_URL: 'redis://cache' }, 'SECRET_KEY: is missing; several processes'],
    [{ ...STORE }, 'SECRET_KEY: is missing; several processes'],
    [{ ...STORE, S3_ENDPOINT: '' }, 'S3_ENDPOINT: is missing'],
    [{ ...STORE, S3_BUCKET: '' }, 'S3_BUCKET: is missing'],
    [{ ...STORE, S3_ACCESS_KEY_ID: '' }, 'S3_ACCESS_KEY_ID: is missing'],
    [{ ...STORE, S3_SECRET_ACCESS_KEY: '' }, 'S3_SECRET_ACCESS_KEY: is missing'],
    [{ ...STORE, S3_PUBLIC_ENDPOINT: 'store' }, 'S3_PUBLIC_ENDPOINT: must look like'],
    [
      { DATABASE_URL: 'postgres://db', DATABASE_CA: '/no/such.pem' },
      'DATABASE_CA: /no/such.pem is not there',
    ],
    [{ DATABASE_URL: 'postgres://db', DB_HOST: 'db' }, 'DB_HOST: DATABASE_URL names a database too'],
  ])('%j: what several processes need is all there, or it is said what is not', (environment, line) => {
    expect(refusal(environment)).toContain(line);
  });

  test('the line never repeats a key, a password or an address with one in it', () => {
    expect(refusal({ SECRET_KEY: 'hunter2' })).not.toContain('hunter2');
    expect(refusal({ DB_PASSWORD: 'hunter2' })).not.toContain('hunter2');
    expect(refusal({ DATABASE_URL: 'postgres://u:hunter2@db/v?sslmode=no' })).not.toContain('hunter2');
    expect(refusal({ REDIS_URL: 'http://:hunter2@db' })).not.toContain('hunter2');
  });
});

describe('settings', () => {
  test('without any, the site is for this machine alone and has the classic lifetimes', () => {
    const config = readConfig({});
    expect(config).toMatchObject({
      secretKey: undefined,
      host: 'localhost',
      port: 8000,
      dataDir: resolve('data'),
      allowedHosts: ['localhost', '127.0.0.1', '[::1]'],
      allowedOrigins: ['http://localhost:3000'],
      trustedProxies: [],
      database: { engine: 'sqlite', path: resolve('data/veranda.db') },
      tokens: { accessLifetimeMs: 2 * 3_600_000, refreshLifetimeMs: 24 * 3_600_000 },
      rateLimitFactor: 1,
      videos: { sizes: [240, 360, 480, 720, 1080], concurrency: 1 },
    });
  });

  test('an empty setting counts as one that is not set', () => {
    expect(readConfig({ PORT: '', DATABASE_URL: '  ', REDIS_URL: '' })).toEqual(readConfig({}));
  });

  test('cannot be changed once they are read', () => {
    expect(Object.isFrozen(readConfig({}))).toBe(true);
  });

  test('are read with their units', () => {
    const config = readConfig({
      SECRET_KEY: KEY,
      PORT: '0',
      DATA_DIR: '/srv/site',
      ALLOWED_HOSTS: 'Site.Example.org, .example.net,',
      CORS_ALLOWED_ORIGINS: 'https://app.example.org,http://localhost:3000',
      TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8, fd00::/8, loopback',
      ACCESS_TOKEN_LIFETIME: '90s',
      REFRESH_TOKEN_LIFETIME: '7d',
      MAX_PICTURE_SIZE: '5mb',
      MAX_CHUNK_SIZE: '500000',
      MAX_VIDEO_SIZE: '1 GiB',
      RATE_LIMIT_FACTOR: '2.5',
      VIDEO_SIZES: '240, 1080',
      SHUTDOWN_GRACE: '500ms',
      DRAIN_DELAY: '0s',
    });
    expect(config).toMatchObject({
      secretKey: KEY,
      port: 0,
      dataDir: '/srv/site',
      allowedHosts: ['site.example.org', '.example.net'],
      allowedOrigins: ['https://app.example.org', 'http://localhost:3000'],
      trustedProxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8', 'loopback'],
      tokens: { accessLifetimeMs: 90_000, refreshLifetimeMs: 7 * 86_400_000 },
      limits: { pictureBytes: 5e6, chunkBytes: 500_000, videoBytes: 2 ** 30 },
      rateLimitFactor: 2.5,
      videos: { sizes: [240, 1080] },
      shutdownGraceMs: 500,
    });
  });

  test.each([
    ['sqlite:/srv/site.db', '/srv/site.db'],
    ['sqlite:///srv/site.db', '/srv/site.db'],
    ['file:/srv/site.db', '/srv/site.db'],
    ['sqlite:site.db', resolve('site.db')],
  ])('DATABASE_URL=%s is the file %s', (url, path) => {
    expect(readConfig({ DATABASE_URL: url }).database).toEqual({ engine: 'sqlite', path });
  });

  test.each([
    [
      { DATABASE_URL: 'postgresql://u:p@db.example.org/site?sslmode=require' },
      'postgresql://u:p@db.example.org/site',
      'on',
    ],
    [{ DATABASE_URL: 'postgres://db/site', DATABASE_TLS: 'verify' }, 'postgres://db/site', 'verify'],
    [
      { DB_HOST: 'db', DB_PORT: '5433', DB_USER: 'site', DB_PASSWORD: 'p@ss/w:rd', DB_NAME: 'main' },
      'postgres://site:p%40ss%2Fw%3Ard@db:5433/main',
      'off',
    ],
    [{ DB_HOST: 'db' }, 'postgres://db:5432/veranda', 'off'],
  ])('%j is PostgreSQL', (environment, url, tls) => {
    expect(readConfig(environment).database).toMatchObject({ engine: 'postgres', url, tls });
  });
});
