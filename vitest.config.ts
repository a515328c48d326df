import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Workspace packages resolve to their TypeScript source, so no build is needed before a test run. */
const conditions = ['@secreg/source', 'module', 'node', 'development|production']

const INCLUDE = '**/test/**/*.test.ts'
const exclude = ['**/node_modules/**', '**/dist/**', 'e2e/**']
const root = fileURLToPath(new URL('.', import.meta.url))

/** Files that replace modules or load them anew, which would not hold for modules that a file before them has loaded. */
function findIsolated(): string[] {
  return ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).flatMap((name) => {
      const folder = join(root, group, name, 'test')
      return filesIn(folder)
        .filter((file) =>
          /\bvi\.(?:mock|doMock|resetModules)\(/.test(readFileSync(join(folder, file), 'utf8')),
        )
        .map((file) => `**/test/${file}`)
    }),
  )
}

function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.test.ts'),
    )
  } catch {
    return []
  }
}

/** Files that take gigabytes, which a process gives back when it ends. */
const LARGE = ['**/test/change-faults.test.ts']

const isolated = [...findIsolated(), ...LARGE]

export default defineConfig({
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [INCLUDE],
          exclude: [...exclude, ...isolated],
          // Loading the modules anew for each file would take longer than many of the tests.
          isolate: false,
          setupFiles: [join(root, 'tools/no-leaks.mjs')],
        },
      },
      { extends: true, test: { name: 'isolated', include: isolated, exclude } },
    ],
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
