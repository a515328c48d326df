/** A script of the tests as one file that Node.js runs by itself. */
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** @param out - of the bundle, ending in `.cjs` */
export function bundle(script: string, out: string): string {
  const require = createRequire(import.meta.url)
  const esbuild = createRequire(require.resolve('tsup')).resolve('esbuild/bin/esbuild')
  const entry = fileURLToPath(new URL(script, import.meta.url))
  execFileSync(esbuild, [
    entry,
    '--bundle',
    '--platform=node',
    '--format=cjs',
    '--conditions=@secreg/source',
    '--log-level=error',
    `--outfile=${out}`,
  ])
  return out
}
