// Two projects, always both: the quick tests first, then the ones that encode video or drive a browser, which
// run one file at a time because each takes the whole machine; a project of one worker goes last by itself.

import { configDefaults, defineConfig } from 'vitest/config';

const slow = ['test/{crash,generated,journeys}/**/*.test.ts', 'src/features/media/videos/**/*.test.ts'];

export default defineConfig({
  test: {
    // A process per file: native modules (SQLite, sharp, argon2) may not share one with worker threads.
    pool: 'forks',
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
          exclude: slow,
          maxWorkers: '100%',
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: slow,
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
