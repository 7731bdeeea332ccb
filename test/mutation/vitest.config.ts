// The tests that mutants run through: those beside the mutated modules, which start no server.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    restoreMocks: true,
    testTimeout: 20_000,
    include: [
      'src/api/viewer.test.ts',
      'src/features/users/*.test.ts',
      'src/features/media/{uploads,upload-leases,finalize,quota}.test.ts',
      'src/features/posts/ownership.test.ts',
    ],
  },
});
