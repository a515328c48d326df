/** A package as somebody has it who installs nothing else: packed, and installed in an empty folder without a network. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runChild } from '@secreg/testkit'
import { transformSync } from 'esbuild'
import { expect } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** One installed package. */
export interface AlonePackage {
  /** Where it is installed. */
  readonly folder: string
  /** What is in `node_modules`. */
  readonly installed: readonly string[]
}

/**
 * Pack a built package and install it below a folder.
 *
 * @param name folder of the package, such as `packages/policy-engine`
 * @param home an empty folder
 */
export async function installAlone(name: string, home: string): Promise<AlonePackage> {
  const quiet = ['--loglevel=error', '--ignore-scripts']
  const pack = ['pack', '--json', ...quiet, '--pack-destination', home]
  const packed = await runChild('npm', pack, { cwd: join(ROOT, name) })
  expect(packed.code, packed.stderr).toBe(0)
  const [{ filename }] = JSON.parse(packed.stdout) as [{ filename: string }]
  const folder = join(home, 'alone')
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}')
  // A cache of its own, so that nothing comes from what was installed before.
  const flags = ['--offline', '--cache', join(home, 'cache'), '--no-audit', '--no-fund', ...quiet]
  const installed = await runChild('npm', ['install', ...flags, join(home, filename)], {
    cwd: folder,
  })
  expect(installed.code, installed.stderr).toBe(0)
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'))
  return { folder, installed: Object.keys(lock.packages).filter((path) => path !== '') }
}

/** The TypeScript examples of a README, as JavaScript. */
export function examplesOf(name: string): readonly string[] {
  const readme = readFileSync(join(ROOT, name, 'README.md'), 'utf8')
  return [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
    ([, code = '']) => transformSync(code, { loader: 'ts', format: 'esm', target: 'es2022' }).code,
  )
}
