// Every test runs on SQLite: the quick ones first, then those that encode video, drive a browser or kill what they run. Every test that
// has to do with the database runs on PostgreSQL as well.

import { configDefaults, defineConfig } from 'vitest/config';

const slow = ['test/{crash,generated,journeys}/**/*.test.ts', 'src/features/media/videos/**/*.test.ts'];
/** Needs PostgreSQL whatever the run is about. */
const constellation = 'test/{constellation,differential}/**/*.test.ts';

/** What no database has a part in, and what is about SQLite itself. */
const withoutPostgres = [
  ...[
    'web/**',
    'bin/**',
    'src/api/**',
    'src/*.test.ts',
    'src/platform/{ffmpeg,foreign-databases,limits,pictures,realtime,redis}/**',
  ],
  ...[
    'src/platform/{secret-key,spools,turnstile}.test.ts',
    'src/features/users/{emails,password-hashes,password-rules,scripts,tokens}.test.ts',
    'src/platform/storage/{local,s3,s3-faults}.test.ts',
    'src/features/media/videos/**',
  ],
  ...[
    'src/platform/database/{sqlite,log-sync}.test.ts',
    'test/{boundaries,deploy,docs,packages}.test.ts',
    'test/copies/copy-database*.test.ts',
    'test/faults/{busy-database,failing-sync}.test.ts',
  ],
  ...['test/wire/{queries,start}.test.ts', 'test/support/**'],
  // What is decided before the database is asked, or after.
  ...[
    'test/wire/{cors-and-hosts,held-bodies,http,large-bodies,limits,markup,pages}.test.ts',
    'test/wire/{picture-flood,slow-clients,slow-readers}.test.ts',
  ],
  // What rows say of it, `transcode.test.ts` has; and of what seeds a site, the tests of the verbs that do it.
  ...['src/features/media/full-disk.test.ts', 'test/seed.test.ts'],
  // What a store does; the constellation and `test/copies/` have both, and PostgreSQL.
  ...[
    'test/journeys/s3.test.ts',
    'test/wire/{s3-delivery,start-s3}.test.ts',
    'test/copies/copy-storage.test.ts',
  ],
  // What a browser shows; `test/wire/` asks the same of the database.
  'test/journeys/{everyday,page,picture,pictures-on-screens,react-like,retrying,tus-client,watching}.test.ts',
  // Pieces through cuts and kills: the constellation's go through more.
  ...['test/journeys/wire.test.ts', 'test/wire/long-uploads.test.ts'],
  // What an encoder costs those who ask meanwhile.
  'test/journeys/while-encoding.test.ts',
];
/** Has a server of PostgreSQL to itself, whatever the run is about. */
const aboutPostgres = ['src/platform/database/postgres*.test.ts', 'test/wire/start-postgres.test.ts'];

/** The files of one process share what they import: to load the program takes longer than most of them. */
const quick = { isolate: false, sequence: { groupOrder: 0 } };
const patient = { testTimeout: 240_000, hookTimeout: 120_000, sequence: { groupOrder: 1 } };
const postgres = {
  globalSetup: ['test/support/cluster.ts'],
  env: { TEST_DATABASE: 'postgres' },
};

export default defineConfig({
  test: {
    // A process per file: native modules (SQLite, sharp, argon2) may not share one with worker threads.
    pool: 'forks',
    maxWorkers: '100%',
    setupFiles: ['test/support/clean-up.ts'],
    watch: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    globalSetup: ['test/support/tools.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    exclude: [...configDefaults.exclude, 'web/dist/**', 'data/**'],
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: ['{src,test,web/src,bin}/**/*.test.{ts,tsx}'],
          exclude: [...slow, constellation, ...aboutPostgres],
          ...quick,
        },
      },
      {
        extends: true,
        test: {
          ...postgres,
          name: 'postgres',
          include: ['{src,test}/**/*.test.ts'],
          exclude: [...slow, constellation, ...withoutPostgres],
          ...quick,
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: slow,
          ...patient,
        },
      },
      {
        extends: true,
        test: {
          ...postgres,
          name: 'slow-postgres',
          include: [...slow, constellation],
          exclude: withoutPostgres,
          ...patient,
        },
      },
    ],
  },
});
