import { defineConfig } from 'vitest/config'

/** End-to-end tests run on built output, so nothing is resolved to source here. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    // Each test starts processes of its own; more at once only make them wait for each other.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
