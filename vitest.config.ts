import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    globalSetup: 'test/global-setup.ts',
    projects: [
      {
        test: {
          name: 'unit',
          include: ['libs/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/{conformance,bench}/**/*.test.ts'],
          maxWorkers: '100%', // vitest leaves a core free for itself
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        // Real routers and workers: two files at once would compete for the same cores and miss their deadlines.
        test: {
          name: 'cluster',
          include: ['test/{parity,cluster,openai,anthropic}/**/*.test.ts'],
          fileParallelism: false,
          maxConcurrency: 2, // of tests that say that they may run beside others
          sequence: { groupOrder: 1 },
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
