/** A page in headless Chromium. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { findProgram, runChild, type SkippableContext, skipTest } from '@secreg/testkit'
import { expect } from 'vitest'

/** What Chromium is called, and what else takes the same options. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

/**
 * Path of Chromium: of the environment variable CHROMIUM, else on PATH. The test is skipped where there is none.
 *
 * @param context - The context that vitest gives to a test.
 */
export function requireChromium(context: SkippableContext): string {
  const named = process.env['CHROMIUM']
  if (named !== undefined) return named
  for (const name of NAMES) {
    const result = findProgram(name)
    if (result.found) return result.path
  }
  return skipTest(context, `no ${NAMES[0]} on PATH or named by CHROMIUM`)
}

/**
 * Run a script in a page without a network and answer what it logged.
 *
 * @param script an ES module without imports
 * @param home a folder for the page and the browser's files
 * @returns the arguments of each `console.log`, as far as JSON holds them
 */
export async function logOfPage(
  chromium: string,
  script: string,
  home: string,
): Promise<unknown[]> {
  const folder = join(home, 'page')
  mkdirSync(folder)
  const page = join(folder, 'page.html')
  writeFileSync(page, pageOf(script))
  const args = [
    ...['--headless', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    ...['--host-resolver-rules=MAP * ~NOTFOUND', `--user-data-dir=${join(folder, 'profile')}`],
    // Its sandbox needs a user; what runs is our own page.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ...['--virtual-time-budget=20000', '--dump-dom', pathToFileURL(page).href],
  ]
  const { code, stdout, stderr } = await runChild(chromium, args)
  expect(code, stderr).toBe(0)
  const [, encoded] = /<pre>([^<]*)<\/pre>/.exec(stdout) ?? []
  expect(encoded, stdout.slice(-2000)).toBeDefined()
  return JSON.parse(decodeURIComponent(encoded ?? '')) as unknown[]
}

/** What is logged is put into the page in the end; an error is logged too. */
function pageOf(script: string): string {
  return `<!doctype html><meta charset="utf-8"><title>page</title><body><script type="module">
const logged = []
console.log = (...values) => {
  logged.push(values)
  show()
}
const show = () => {
  document.querySelector('pre')?.remove()
  const pre = document.createElement('pre')
  pre.textContent = encodeURIComponent(JSON.stringify(logged))
  document.body.append(pre)
}
addEventListener('error', ({ message }) => console.log('error', message))
addEventListener('unhandledrejection', ({ reason }) => console.log('error', String(reason)))
</script><script type="module">
${script.replaceAll('</script', '<\\/script')}
</script></body>`
}
