import { defineConfig } from 'vitest/config'

/** Real servers start JVMs: minutes on a slow machine, and never more of them at once than two cores carry. */
const realTestTimeoutMs = 15 * 60_000

export default defineConfig({
  test: {
    reporters: ['default', './tools/skipped-tests-reporter.mjs'],
    pool: 'forks',
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'tools/**/*.test.mjs', 'bench/**/*.test.ts'],
          exclude: ['**/*.real.test.ts', 'node_modules/**'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['src/**/*.real.test.ts', 'test/**/*.real.test.ts'],
          testTimeout: realTestTimeoutMs,
          hookTimeout: realTestTimeoutMs,
          fileParallelism: false,
        },
      },
    ],
  },
})
