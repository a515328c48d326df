import { existsSync, readFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'

/** Condition under which every workspace package exposes its TypeScript source. */
const SOURCE = '@secreg/source'

type Exports = Record<string, string | Record<string, string>>

/** Build one entry per subpath that the package's `exports` maps to a source file. */
function entriesOf(exports: Exports): string[] {
  return Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [] : (target[SOURCE] ?? []),
  )
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Exports
  bin?: Record<string, string>
  nx?: { tags?: string[] }
}

const common: Options = {
  entry: entriesOf(manifest.exports),
  format: ['esm'],
  target: 'node20',
  sourcemap: true,
  clean: true,
  dts: false,
  tsconfig: 'tsconfig.build.json',
}

const library: Options = {
  ...common,
  platform: manifest.nx?.tags?.includes('platform:neutral') ? 'neutral' : 'node',
}

/** An app is bundled from source with everything but native addons and what is optional; commands become chunks that load when they are used. */
const app: Options = {
  ...common,
  platform: 'node',
  splitting: true,
  noExternal: [/^(?!(?:level|kafkajs|@secreg\/unix-socket)$)/],
  // By itself tsup leaves out what must be installed, not what may be.
  external: ['kafkajs'],
  esbuildOptions: (options) => {
    options.conditions = [SOURCE, 'module', 'import', 'node']
    options.banner = {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    }
  },
}

/** One CommonJS file with all that it uses: the way into a command that must start fast. */
const hot: Options = {
  ...app,
  entry: ['src/hot.ts'],
  format: ['cjs'],
  splitting: false,
  minify: true,
  clean: false,
  shims: true,
  esbuildOptions: (options) => {
    options.conditions = [SOURCE, 'module', 'import', 'node']
  },
}

const apps: Options[] = existsSync('src/hot.ts')
  ? [{ ...app, clean: ['**/*', '!hot.cjs*'] }, hot]
  : [app]

export default defineConfig(manifest.bin === undefined ? [library] : apps)
