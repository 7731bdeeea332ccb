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
    'src/platform/{ffmpeg,foreign-databases,limits,pictures,realtime}/**',
  ],
  ...[
    'src/platform/{secret-key,turnstile}.test.ts',
    'src/platform/storage/{local,s3,s3-faults}.test.ts',
    'src/features/media/videos/**',
  ],
  ...[
    'src/platform/database/{sqlite,log-sync}.test.ts',
    'test/{boundaries,docs,packages}.test.ts',
    'test/copies/copy-database*.test.ts',
    'test/faults/{busy-database,failing-sync}.test.ts',
  ],
  ...['test/wire/{queries,start}.test.ts', 'test/support/**', 'src/platform/ffmpeg/**'],
  // What a store does; the constellation and `test/copies/` have both, and PostgreSQL.
  ...[
    'test/journeys/s3.test.ts',
    'test/wire/{s3-delivery,start-s3}.test.ts',
    'test/copies/copy-storage.test.ts',
  ],
  // What a browser shows; the other journeys and `test/wire/` ask the same of the database.
  'test/journeys/{page,picture,pictures-on-screens,tus-client,watching}.test.ts',
];
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
          exclude: [...slow, constellation],
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
