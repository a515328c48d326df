/** The policy engine for its own sake: packed, installed in an empty folder and bundled into a page. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTempHome, runNode, type TempHome } from '@secreg/testkit'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AlonePackage, examplesOf, installAlone } from '../lib/alone.ts'
import { logOfPage, requireChromium } from '../lib/browser.ts'

const NAME = 'packages/policy-engine'
const [DECIDE = '', AUTHZEN = ''] = [
  "import { compile } from '@secreg/policy-engine'",
  "from '@secreg/policy-engine/authzen'",
].map((text) => examplesOf(NAME).find((example) => example.includes(text.replaceAll("'", '"'))))

let home: TempHome
let alone: AlonePackage

beforeAll(async () => {
  home = createTempHome()
  alone = await installAlone(NAME, home.path)
})
afterAll(() => home.remove())

/** What an example logs under Node.js, as a page tells it. */
async function logOfNode(example: string): Promise<unknown[]> {
  const file = join(alone.folder, 'example.mjs')
  const head = 'const logged = []\nconsole.log = (...values) => logged.push(values)\n'
  // Imports are hoisted, so they may stand behind.
  writeFileSync(file, `${head}${example}\nprocess.stdout.write(JSON.stringify(logged))\n`)
  const { code, stdout, stderr } = await runNode(file, [], { cwd: alone.folder })
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout)
}

/** An example with all that it uses, as one script for a browser. */
async function bundle(example: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: example, resolveDir: alone.folder, loader: 'js' },
    bundle: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
  })
  return outputFiles[0]?.text ?? ''
}

/** What the README says of its first example. */
function assertDecisions(logged: readonly unknown[]): void {
  expect(logged.slice(0, 5)).toEqual([
    [{ decision: 'allow', rules: ['web/read'], obligations: { ttlSeconds: 300 } }],
    [{ decision: 'deny', rules: ['web/no-keys'] }],
    [{ decision: 'deny', rules: [] }],
    ['all'],
    ['condition not met'],
  ])
}

test('it comes alone: no dependency is installed with it', () => {
  expect(alone.installed).toEqual(['node_modules/@secreg/policy-engine'])
})

describe('installed in an empty folder', () => {
  test('it decides the example of its README', async () => {
    assertDecisions(await logOfNode(DECIDE))
  })

  test('it answers the AuthZEN example of its README', async () => {
    expect(await logOfNode(AUTHZEN)).toEqual([['300 s']])
  })
})

describe('bundled into a page in headless Chromium', () => {
  test('it decides the example of its README', async (context) => {
    const chromium = requireChromium(context)
    using page = createTempHome()
    assertDecisions(await logOfPage(chromium, await bundle(DECIDE), page.path))
  })

  test('it answers the AuthZEN example of its README', async (context) => {
    const chromium = requireChromium(context)
    using page = createTempHome()
    expect(await logOfPage(chromium, await bundle(AUTHZEN), page.path)).toEqual([['300 s']])
  })
})
