import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Packs, and notes about them, that tests keep between runs. */
const env = { RINGMESH_CACHE: join(tmpdir(), 'ringmesh-test-cache') };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          env,
          include: ['libs/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'test/{conformance,bench}/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        // Real routers and workers: two files at once would compete for the same cores and miss their deadlines.
        test: {
          name: 'cluster',
          env,
          include: ['test/{parity,cluster,openai,chaos}/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
