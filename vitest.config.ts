import { defineConfig } from 'vitest/config'

/** Workspace packages resolve to their TypeScript source, so no build is needed before a test run. */
const conditions = ['@secreg/source', 'module', 'node', 'development|production']

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    include: ['**/test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', 'e2e/**'],
    benchmark: { include: ['**/bench/**/*.bench.ts'] },
    // By itself it would leave one of two cores idle.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: ['**/src/**'],
      exclude: ['**/*.test.ts', '**/dist/**'],
      reporter: ['text', 'lcov'],
    },
  },
})
